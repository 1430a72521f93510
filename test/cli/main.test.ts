/** The built `penstock`: help, usage errors, exit codes, JSON. */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildTestCli } from '../support/process-host.ts';
import { type Ran, NOBODY, POLICIES, penstock } from './built.ts';

const COMMANDS = ['run', 'bridge', 'demo', 'validate', 'status', 'explain'];
/** Every escape sequence of a terminal begins with it. */
const ESCAPE = '\u001b';

let cli: Awaited<ReturnType<typeof buildTestCli>>;
let folder: string;

beforeAll(async () => {
  cli = await buildTestCli();
  folder = await mkdtemp(join(tmpdir(), 'penstock-main-'));
});
afterAll(async () => {
  await cli.remove();
  await rm(folder, { recursive: true, force: true });
});

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return penstock(args, { script: cli.script, env });
}

async function policyFile(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

const BROKEN = `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: chat }
spec:
  mode: acct
  target: { namespace: inference, name: chat }
  replicas: { min: 1, max: 0 }
  signals:
    - { kind: inFlight, perReplica: 8 }
  brigde: { preset: vllm }
`;

describe('help', () => {
  test('names every command, the settings and the exit codes', async () => {
    const { code, out, err } = await run(['--help']);
    expect([code, err]).toEqual([0, '']);
    for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(out).toContain('docs/configuration.md');
    expect(out).toContain('Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.');
    expect(out).not.toContain(ESCAPE);
  });

  test('of every command says what it does and has an example that names it', async () => {
    const list = /^Commands:\n((?: .*\n)+)/m.exec((await run(['--help'])).out)?.[1] ?? '';
    const commands = [...list.matchAll(/^  ([a-z]+)/gm)].flatMap(([, name = '']) => (name === 'help' ? [] : [name]));
    expect(commands).toEqual(expect.arrayContaining(COMMANDS));
    for (const command of commands) {
      const { code, out, err } = await run([command, '--help']);
      expect([command, code, err]).toEqual([command, 0, '']);
      expect(out).toMatch(new RegExp(`^Usage: penstock ${command}\\b`));
      expect(out).toMatch(new RegExp(`Examples?:\\n[^]*penstock ${command}\\b`));
    }
  });

  test('the version is that of package.json', async () => {
    const { version } = (await import('../../package.json', { with: { type: 'json' } })).default;
    expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });
});

describe('what is loaded late', () => {
  test('keeps its named exports in the bundle: the AWS credential chain signs for EKS', async () => {
    const { code, err } = await run(['handover', 'llama-8b-chat', '--dry-run'], {
      PENSTOCK_KUBERNETES: 'eks',
      PENSTOCK_EKS_CLUSTER: 'prod',
      PENSTOCK_EKS_ENDPOINT: `https://${NOBODY}`,
      PENSTOCK_EKS_CA_DATA: 'Y2E=',
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    expect([code, err]).toEqual([1, expect.stringContaining('fetch failed')]);
  });

  test('no package has a default export alone: SNS, secrets, MSK', async () => {
    const chunks = join(dirname(cli.script), 'chunks');
    const texts = await Promise.all((await readdir(chunks)).map((file) => readFile(join(chunks, file), 'utf8')));
    const named = ['SNSClient', 'SecretsManagerClient', 'SSMClient', 'fromNodeProviderChain', 'generateAuthToken'];
    for (const name of named) {
      const exports = texts.filter((text) => new RegExp(`export\\{[^}]*\\b${name}\\b[^}]*\\}`).test(text));
      expect([name, exports.length]).toEqual([name, 1]);
    }
    expect(texts.filter((text) => /export default require_\w+\(\)/.test(text))).toEqual([]);
  });
});

describe('wrong usage', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['scale']],
    ['an unknown option', ['status', '--fast']],
    ['a missing argument', ['validate']],
    ['a missing argument', ['explain']],
    ['one argument too many', ['run', 'now']],
    ['a number out of range', ['explain', 'chat', '--last', '0']],
    ['no number', ['demo', '--duration', 'long']],
    ['no such cluster', ['demo', '--cluster', 'imagined']],
  ])('%s: exit code 2, told on standard error', async (_what, args) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(args.length === 0 ? 'Usage: penstock' : 'error: ');
  });

  test('of a command leads to the help of that command', async () => {
    expect((await run(['simulate'])).err).toContain('(penstock simulate --help shows how it is called)');
    expect((await run(['scale'])).err).toContain('(penstock --help shows every command)');
  });

  test('a report that cannot be written is found out before the demo starts anything', async () => {
    const { code, out, err } = await run(['demo', '--report', join(folder, 'nowhere', 'report.json')]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^Cannot write the report ".*report\.json": .*ENOENT/);
    expect(err).not.toContain('Starting');
  });
});

describe('validate', () => {
  test('good policies: exit code 0, one line', async () => {
    const { code, out, err } = await run(['validate', POLICIES]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^\d+ workloads and \d+ node groups in \d+ files: no problems \(version [0-9a-f]{16}\)\.\n$/);
  });

  test('broken policies: every problem of every file with its line on standard error, exit code 2', async () => {
    const broken = await policyFile('broken.yaml', BROKEN);
    const torn = await policyFile('torn.yaml', 'spec: [');
    const { code, out, err } = await run(['validate', broken, torn]);
    expect([code, out]).toEqual([2, '']);
    const lines = err.trimEnd().split('\n');
    expect(lines.pop()).toBe('4 problems in 2 files. Nothing was loaded.');
    const said = lines.map((line) => line.replaceAll(folder, '').replace(/\(Flow.*?\)/, '(…)'));
    expect(said.toSorted()).toEqual([
      expect.stringMatching(
        /^Cannot load policy "\/broken.yaml": spec.brigde .*did you mean "bridge"\? \(line 10\)\.$/,
      ),
      'Cannot load policy "/broken.yaml": spec.mode is "acct", expected one of "observe", "act" or "paused" (line 5).',
      'Cannot load policy "/broken.yaml": spec.replicas.max is 0, expected an integer from 1 to 10000 (line 7).',
      'Cannot load policy "/torn.yaml": the text is not YAML (…), expected valid YAML (line 1).',
    ]);
  });

  test('with --json the problems are one document on standard output, so that a pipe gets them', async () => {
    const { code, out, err } = await run(['validate', await policyFile('broken.yaml', BROKEN), '--json']);
    expect([code, err]).toEqual([2, '']);
    const { ok, problems } = JSON.parse(out) as { ok: boolean; problems: { line: number; path: string }[] };
    expect(ok).toBe(false);
    expect(problems.map(({ line, path }) => [line, path])).toEqual([
      [5, 'spec.mode'],
      [7, 'spec.replicas.max'],
      [10, 'spec.brigde'],
    ]);
  });
});

describe('settings', () => {
  test('all wrong ones are reported together, with exit code 2', async () => {
    const { code, out, err } = await run(['status'], {
      PENSTOCK_LOG_LEVEL: 'loud',
      PENSTOCK_HTTP_PORT: '99999',
      PENSTOCK_KAFKA_SASL: 'plain',
    });
    expect([code, out]).toEqual([2, '']);
    expect(err.trimEnd().split('\n')).toEqual([
      'Cannot read the configuration:',
      '  PENSTOCK_LOG_LEVEL is "loud": expected one of debug, info, warn, error, silent',
      '  PENSTOCK_KAFKA_SASL is plain, so PENSTOCK_KAFKA_USERNAME and PENSTOCK_KAFKA_PASSWORD are needed',
      '  PENSTOCK_HTTP_PORT is "99999": expected an integer from 0 to 65535',
    ]);
  });

  test('no policies where nobody said which: names the setting', async () => {
    const unset = await penstock(['status'], { script: cli.script, env: { PENSTOCK_POLICIES: '' }, cwd: folder });
    expect([unset.code, unset.out]).toEqual([2, '']);
    expect(unset.err).toMatch(/^Cannot load policy "infra\/policies": [^]*\nPENSTOCK_POLICIES is not set: it names/);
    const set = await run(['status'], { PENSTOCK_POLICIES: join(folder, 'nowhere') });
    expect(set.err).toContain('nowhere');
    expect(set.err).not.toContain('PENSTOCK_POLICIES is not set');
  });

  test('a Redis that does not answer is named with its reason, as JSON where JSON was asked for', async () => {
    const env = { PENSTOCK_REDIS_URL: `redis://user:secret@${NOBODY}` };
    const text = `Cannot reach Redis at "${NOBODY}" (PENSTOCK_REDIS_URL): connect ECONNREFUSED ${NOBODY}`;
    expect(await run(['status'], env)).toEqual({ code: 1, out: '', err: `${text}\n` });
    const asJson = await run(['explain', 'chat', '--json'], env);
    expect([asJson.code, asJson.out]).toEqual([1, '']);
    expect(JSON.parse(asJson.err)).toEqual({ error: text, code: 'transient' });
  });
});
