/** A worker in a process of its own, to be killed: names each step it starts and then hangs in the first one of `hang…`. */
import { Redis } from 'ioredis';
import { bullmqActions } from '../../lib/action-queue/index.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { noMetrics } from '../../lib/base/metrics.ts';

const [, , host = '', port = '', prefix = ''] = process.argv;

const worker = bullmqActions({
  clock: systemClock,
  log: silentLogger,
  metrics: noMetrics,
  random: Math.random,
  connect: (settings) => new Redis({ ...settings, host, port: Number(port) }),
  prefix,
}).openWorker();

await worker.start(
  async (job) => {
    process.stdout.write(`${job.id}\n`);
    if (job.id.startsWith('hang')) await new Promise((resolve) => setTimeout(resolve, 600_000));
    return { done: true };
  },
  async () => {},
);
