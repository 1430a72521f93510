/** Entry of a worker thread: one task after the other on the ground it was started with. Built beside the CLI as `replay-worker.mjs`. */
import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError, messageOf } from '../../base/errors.ts';
import type { Ground } from './ground.ts';
import { runTask } from './tasks.ts';
import type { Task } from './tasks.ts';
import type { Answer } from './workers.ts';

const ground = workerData as Ground;

parentPort?.on('message', (task: Task) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  void answerTo(task).then((answer) => parentPort?.postMessage(answer));
});

async function answerTo(task: Task): Promise<Answer> {
  try {
    return { kind: 'outcome', outcome: await runTask(ground, task) };
  } catch (error) {
    return { kind: 'failed', isConfig: error instanceof ConfigError, message: messageOf(error) };
  }
}
