/** `penstock validate`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { validate } from '../../lib/cli/validate.ts';
import { CHAT } from '../policy-source/policies.ts';

test('good policies: what they add up to, exit code 0', async () => {
  const { exitCode, text } = await validate(['infra/policies'], { json: false });
  expect(exitCode).toBe(0);
  expect(text).toMatch(/^2 workloads and 4 node groups in 4 files: no problems \(version [0-9a-f]{16}\)\.$/);
});

test('bad policies: every problem, a sum, exit code 2; the same as JSON', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-validate-'));
  const file = join(folder, 'chat.yaml');
  await writeFile(file, CHAT.replace('max: 4', 'max: 0').replace('8 }', 'x }'));
  expect(await validate([file], { json: false })).toEqual({
    exitCode: 2,
    text: [
      `Cannot load policy "${file}": spec.replicas.max is 0, expected an integer from 1 to 10000 (line 6).`,
      `Cannot load policy "${file}": spec.signals[0].perReplica is "x", expected a number above 0, at most 1000000000 (line 8).`,
      '2 problems in 1 file. Nothing was loaded.',
    ].join('\n'),
  });
  const asJson = await validate([file], { json: true });
  expect(asJson.exitCode).toBe(2);
  expect(JSON.parse(asJson.text)).toMatchObject({
    ok: false,
    files: 1,
    problems: [{ path: 'spec.replicas.max', line: 6 }, {}],
  });
  await rm(folder, { recursive: true });
});

test('a file without policies: good, and said to be empty', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-validate-'));
  await writeFile(join(folder, 'empty.yaml'), '# later\n');
  const { exitCode, text } = await validate([folder], { json: false });
  expect([exitCode, text]).toEqual([0, expect.stringMatching(/^0 workloads .* There is nothing to scale in it\.$/)]);
  await rm(folder, { recursive: true });
});

test('a file that is not there: exit code 2', async () => {
  const { exitCode, text } = await validate(['/nowhere.yaml'], { json: false });
  expect(exitCode).toBe(2);
  expect(text).toContain('Cannot load policy "/nowhere.yaml": the file is not readable');
});
