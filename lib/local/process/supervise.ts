/** A server process that never outlives this one, not even when this one is killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';

export type Supervised = {
  readonly pid: number;
  /** How it ended (`code 1`, `signal SIGKILL`); undefined while it runs. */
  readonly ended: () => string | undefined;
  /** SIGTERM, and SIGKILL after `stopMs`. Resolves when it is gone. */
  readonly stop: () => Promise<void>;
  /** SIGKILL. Resolves when it is gone. */
  readonly kill: () => Promise<void>;
};

export type SuperviseOptions = {
  /** Both output streams are appended here. */
  readonly logFile: string;
  readonly cwd: string;
  readonly clock: Clock;
  /** How long a clean stop may take [ms]. */
  readonly stopMs: number;
};

/** A guard is forked first and waits on a pipe that only the parent holds; then the shell becomes the server, so the
 *  server has the pid that the parent knows. A line on the pipe dismisses the guard; the end of the pipe without one
 *  means that the parent has died: the guard ends the server, the hard way after ten seconds. */
const GUARDED = `exec 3<&0
(
  read -r line <&3 && exit 0
  kill -TERM $$
  for turn in 1 2 3 4 5 6 7 8 9 10; do kill -0 $$ || exit 0; sleep 1; done
  kill -KILL $$
) >/dev/null 2>&1 &
exec 3<&-
exec "$@" </dev/null`;

/** Starts `command` in a session of its own, so that Ctrl-C reaches only this process, which then stops it in order.
 *  A command that can't be run shows as `ended()`. */
export async function supervise(command: readonly string[], options: SuperviseOptions): Promise<Supervised> {
  const log = await open(options.logFile, 'a');
  const child = spawn('/bin/sh', ['-c', GUARDED, 'sh', ...command], {
    cwd: options.cwd,
    detached: true,
    stdio: ['pipe', log.fd, log.fd],
  });
  const gone = watchEnd(child);
  await log.close();
  // A forgotten server must not keep this process alive; the guard ends it then.
  child.unref();
  unrefPipe(child);

  const kill = async (): Promise<void> => {
    child.ref();
    if (gone.ended() === undefined) child.kill('SIGKILL');
    await gone.promise;
  };
  const stop = async (): Promise<void> => {
    child.ref();
    if (gone.ended() === undefined) child.kill('SIGTERM');
    const timer = new AbortController();
    await Promise.race([gone.promise, options.clock.sleep(options.stopMs, timer.signal)]);
    timer.abort();
    await kill();
  };
  return { pid: child.pid ?? 0, ended: gone.ended, stop, kill };
}

function watchEnd(child: ChildProcess): { promise: Promise<void>; ended: () => string | undefined } {
  let how: string | undefined;
  // The guard may be gone already: then there is nobody to dismiss.
  child.stdin?.on('error', () => {});
  const promise = new Promise<void>((resolve) => {
    const finish = (end: string): void => {
      how = end;
      child.stdin?.end('done\n');
      resolve();
    };
    child.once('error', (error) => finish(error.message));
    child.once('exit', (code, signal) => finish(signal === null ? `code ${code}` : `signal ${signal}`));
  });
  return { promise, ended: () => how };
}

function unrefPipe(child: ChildProcess): void {
  const pipe: unknown = child.stdin;
  if (typeof pipe === 'object' && pipe !== null && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
}
