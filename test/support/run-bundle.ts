/** Calls a built function in a fresh process, as Lambda does: environment in, event in, answer out. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../lib/local/process/command.ts';

export type Invocation = {
  readonly file: string;
  readonly event: unknown;
  readonly env: Readonly<Record<string, string>>;
  /** Rest of time that the context reports [ms]. */
  readonly timeoutMs?: number;
};

export type Invoked = { readonly answer?: unknown; readonly error?: string; readonly output: string };

const MARK = 'PENSTOCK-ANSWER ';

// The time of the context is that of the child's own clock.
const CHILD = `
const [file, eventFile, timeoutMs] = process.argv.slice(1);
const event = require('node:fs').readFileSync(eventFile, 'utf8');
const endMs = performance.now() + Number(timeoutMs);
const context = { functionName: 'penstock-test', getRemainingTimeInMillis: () => endMs - performance.now() };
const tell = (result) => process.stdout.write('\\n${MARK}' + JSON.stringify(result) + '\\n', () => process.exit(0));
require(file).handler(JSON.parse(event), context).then(
  (answer) => tell({ answer }),
  (error) => tell({ error: String(error && error.message) }),
);
`;

/** Resolves with what the handler answered or threw. Rejects when the process gave no answer at all. */
export async function invokeBundle({ file, event, env, timeoutMs = 20_000 }: Invocation): Promise<Invoked> {
  const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const command = ['env', '-i', 'PATH=/usr/bin:/bin', ...environment, process.execPath, '-e', CHILD, file];
  // An event may be larger than what fits on a command line.
  const folder = await mkdtemp(join(tmpdir(), 'penstock-event-'));
  try {
    const eventFile = join(folder, 'event.json');
    await writeFile(eventFile, JSON.stringify(event));
    const { code, output } = await run([...command, eventFile, String(timeoutMs)], { timeoutMs: 180_000 });
    const line = output.split('\n').findLast((text) => text.startsWith(MARK));
    if (line === undefined) throw new Error(`the function ended with ${code} and no answer: ${output.slice(-2_000)}`);
    return { ...(JSON.parse(line.slice(MARK.length)) as { answer?: unknown; error?: string }), output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
