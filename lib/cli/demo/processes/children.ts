/** The controller and the bridge as processes of their own, started just as a user starts them. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { TransientError } from '../../../base/errors.ts';

export type Child = {
  readonly name: string;
  /** Null while it runs. */
  exitCode(): number | null;
  /** SIGTERM, and SIGKILL after {@link STOP_MS_MAX}. Resolves when it has ended. */
  stop(): Promise<void>;
};

/** A clean stop finishes running batches and leaves the consumer group: well under a second. */
const STOP_MS_MAX = 10_000;

/**
 * Runs `penstock COMMAND` of this very build; its log lines go to `logFile`. It ends with us even when we are killed: the IPC channel closes,
 * and `run` and `bridge` stop when it does.
 */
export function startChild(options: {
  readonly command: 'run' | 'bridge';
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}): Child {
  const child = spawn(process.execPath, [options.script, options.command], {
    env: { ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C in the terminal is for the demo: it stops its children in order.
    detached: true,
  });
  const log = createWriteStream(options.logFile, { flags: 'a' });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(new TransientError(`Cannot start "penstock ${options.command}"`, { cause })));
    child.once('exit', () => resolve());
  });
  // Whoever stops it hears of a failed start; until then nobody does.
  ended.catch(() => {});
  return {
    name: options.command,
    exitCode: () => child.exitCode ?? (child.signalCode === null ? null : 1),
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      await ended.catch(() => {});
      clearTimeout(timer);
      log.end();
    },
  };
}
