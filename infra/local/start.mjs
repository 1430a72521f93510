// The two README commands on a bare machine: installs the packages when needed, says what it does, then runs `demo`, `test`, `test:laws`, `test:cluster` or `bench`.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const [command = 'demo', ...rest] = process.argv.slice(2);
/** `test:laws`: each law of the decision core as often as CI tries it; one takes up to a minute on a quiet machine. */
const LAWS_ENV = { PENSTOCK_LAW_RUNS: '10000', PENSTOCK_TEST_SERVERS: 'none' };
const LAWS_TIMEOUT_MS = 900_000;
const say = (line) => process.stderr.write(`${line}\n`);

checkNode();
installPackages();
process.exitCode = await run(command, rest);

/** Node 20.19+, as package.json says. */
function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const ok = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (ok) return;
  say(
    `Penstock needs Node.js 20.19 or newer (or 22.12 or newer); this is ${process.versions.node}. Get it from https://nodejs.org.`,
  );
  process.exit(2);
}

/** `npm ci`, only when the lock file is not the one installed last; once more when it fails, because a registry may be away for a moment. */
function installPackages() {
  const stamp = join(root, 'node_modules', '.penstock-lock');
  const digest = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  say('Installing the packages (npm ci, about 30 s the first time)…');
  const startedMs = Date.now();
  let done = npmCi();
  // Not after Ctrl-C, nor without npm.
  if (done.status !== 0 && done.status !== null && done.error === undefined) {
    say('npm ci failed; its message is above. Trying once more…');
    done = npmCi();
  }
  if (done.status !== 0) {
    say(
      done.error === undefined
        ? 'npm ci failed; its message is above.'
        : `npm could not be started: ${done.error.message}`,
    );
    process.exit(1);
  }
  writeFileSync(stamp, digest);
  say(`Packages are installed after ${((Date.now() - startedMs) / 1000).toFixed(1)} s.`);
}

function npmCi() {
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  return spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2] });
}

async function run(name, args) {
  if (name === 'install') return 0;
  if (name === 'test') {
    const isWhole = args.every((arg) => arg.startsWith('-'));
    if (isWhole)
      say(
        'All tests, with a real Kafka and a real Redis: about ten minutes on two cores. One folder: npm test -- test/core',
      );
    return await runJest(args);
  }
  if (name === 'test:laws')
    return await runJest([...lawFiles(), `--testTimeout=${LAWS_TIMEOUT_MS}`, ...args], LAWS_ENV);
  if (name === 'test:cluster') return await runJest(['--config', join('test', 'cluster', 'jest.config.mjs'), ...args]);
  if (name === 'bench') {
    const names = benchNames();
    if (!names.includes(args[0])) {
      say(`Which one? npm run bench -- NAME, with NAME one of ${names.join(', ')}.`);
      return 2;
    }
    const { buildBench } = await import('./build.mjs');
    const file = await buildBench(args[0]);
    return await spawnNode(['--enable-source-maps', file, ...args.slice(1)]);
  }
  say('Building the command line (some seconds)…');
  const { buildCli } = await import('./build.mjs');
  const cli = await buildCli();
  return await spawnNode([cli, name, ...args]);
}

function runJest(args, env = {}) {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  return spawnNode(['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, ...args], env);
}

/** Those that ask how often a law is tried. */
function lawFiles() {
  const core = join('test', 'core');
  const files = readdirSync(join(root, core), { recursive: true }).map((file) => join(core, file));
  return files.filter(
    (file) => file.endsWith('.test.ts') && readFileSync(join(root, file), 'utf8').includes('/law-runs.ts'),
  );
}

/** Those of `test/bench/` that say how to run them; the others are parts of them. */
function benchNames() {
  const folder = join(root, 'test', 'bench');
  const names = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''));
  return names.filter((name) => readFileSync(join(folder, `${name}.ts`), 'utf8').includes(`npm run bench -- ${name}`));
}

/** Runs node in the foreground and passes signals on, so that Ctrl-C gives the child time to clean up. */
function spawnNode(args, settings = {}) {
  return new Promise((resolve) => {
    // The SDK's advice to upgrade Node is for whoever deploys, not for a first look.
    const env = { ...settings, ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
    // Ctrl-C in a terminal reaches the child by itself; here it must only not end the parent first.
    process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}
