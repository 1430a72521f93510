/** The bundles that are deployed: size, content, reproducibility, and that they load where Lambda loads them. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BYTES_MAX, FORBIDDEN, build, functionNames } from '../../infra/local/build.mjs';
import type { BuildOutput } from '../../infra/local/build.mjs';
import { run } from '../../lib/local/process/command.ts';

const NAMES = ['actuate', 'api', 'evaluate', 'ingest', 'notify'];

let folder: string;
let outputs: readonly BuildOutput[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-bundles-'));
  outputs = await build({ only: ['functions'], outDir: join(folder, 'first') });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const outputOf = (name: string): BuildOutput => {
  const found = outputs.find((output) => output.name === name);
  if (found === undefined) throw new Error(`there is no bundle ${name}`);
  return found;
};

const digestOf = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

const digests = (built: readonly BuildOutput[]): Promise<string[]> =>
  Promise.all(built.map((output) => digestOf(output.file)));

describe('bundles', () => {
  test('there is one per function', async () => {
    expect(await functionNames()).toEqual(NAMES);
    expect(outputs.map((output) => output.name)).toEqual(NAMES);
  });

  test.each(NAMES)('%s is below its limit', (name) => {
    const { bytes } = outputOf(name);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(BYTES_MAX[name] ?? 0);
  });

  test('ingest, with the decision core, is below 1.5 MB', () => {
    expect(outputOf('ingest').bytes).toBeLessThan(1_500_000);
    expect(Object.keys(outputOf('ingest').metafile.inputs)).toContain('lib/core/plan-pool.ts');
  });

  test.each(NAMES)('%s carries no client that it does not use', (name) => {
    const inputs = Object.keys(outputOf(name).metafile.inputs);
    expect(inputs.length).toBeGreaterThan(20);
    for (const pack of FORBIDDEN[name] ?? []) {
      expect(inputs.filter((input) => input.includes(`node_modules/${pack}/`))).toEqual([]);
    }
  });

  test('only notify has a Kafka client', () => {
    const withKafka = NAMES.filter((name) =>
      Object.keys(outputOf(name).metafile.inputs).some((input) => input.includes('node_modules/kafkajs/')),
    );
    expect(withKafka).toEqual(['notify']);
  });

  test('no bundle carries code of tests, of the simulator or of the local servers', () => {
    for (const { metafile } of outputs) {
      const foreign = Object.keys(metafile.inputs).filter((input) =>
        /^(test|lib\/(simulator|local|cli))\//.test(input),
      );
      expect(foreign).toEqual([]);
    }
  });

  test('the same sources give the same bytes', async () => {
    // One right after the other: a source that is edited meanwhile is not what this is about.
    const [first, second] = [
      await build({ only: ['functions'], outDir: join(folder, 'second') }),
      await build({ only: ['functions'], outDir: join(folder, 'third') }),
    ];
    expect(await digests(second)).toEqual(await digests(first));
    expect(new Set(await digests(first)).size).toBe(NAMES.length);
  });

  test.each(NAMES)('%s loads on its own, with nothing installed beside it, and has a handler', async (name) => {
    const script = `process.stdout.write(typeof require(${JSON.stringify(outputOf(name).file)}).handler, () => process.exit(0));`;
    const command = ['env', '-i', 'PENSTOCK_LOG_LEVEL=silent', process.execPath, '-e', script];
    const { code, output } = await run(command, { cwd: folder, timeoutMs: 180_000 });
    expect([code, output.split('\n').at(-1)]).toEqual([0, 'function']);
  });
});
