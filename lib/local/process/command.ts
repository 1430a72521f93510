/** Runs a command to its end, bounded in time and output. */
import { spawn } from 'node:child_process';

export type CommandResult = { readonly code: number; readonly output: string };

export type CommandOptions = {
  readonly cwd?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
};

/** Output kept per command [characters]: the end of it explains a failure, and a chatty tool can't fill the memory. */
const OUTPUT_CHARS_MAX = 64 * 1024;

/** What shells answer for a command that does not exist. */
const NOT_FOUND_CODE = 127;
const KILLED_CODE = 137;

/** Runs `command` with this process's environment and collects what it wrote (both streams, the last 64 Ki characters).
 *  Never throws for a failing command: code 127 = it does not exist, 137 = killed (also after `timeoutMs`, or by `signal`). */
export async function run(command: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    // Not `timeout`: for a command that does not exist its timer is never cleared and keeps the whole process alive.
    signal: AbortSignal.any([AbortSignal.timeout(options.timeoutMs), ...(options.signal ? [options.signal] : [])]),
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? KILLED_CODE, output }));
    child.once('error', (error) => {
      const absent = 'code' in error && error.code === 'ENOENT';
      resolve({ code: absent ? NOT_FOUND_CODE : KILLED_CODE, output: `${output}${error.message}` });
    });
  });
}

/** The last lines that say something, on one line, for an error message. */
export function lastWords(output: string, lineCount = 3): string {
  const lines = output
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.slice(-lineCount).join(' | ').slice(-600);
}
