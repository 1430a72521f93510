/**
 * How long from a step of the load to the PATCH it causes, through real Kafka, Redis, BullMQ and HTTP, with the controller as a process of its own: gateways with
 * steady Poisson arrivals report every 1 or 2 s, and their load doubles at a random moment. Beside it the decision core alone, in virtual time: a thousand steps,
 * and how often noise is taken for one in many days. Run: npm run bench -- step [--samples 12] [--warm 240] [--days 30] [--json].
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/base/clock.ts';
import { seededRandom } from '../../lib/base/random.ts';
import { machine, quantile, startRig } from './rig.ts';
import { alarmsOf, coreReactionOf } from './step-core.ts';
import { AFTER_MS, reactionOf, runGateway, STEP_CASES } from './step-gateways.ts';
import type { Gateway, Reaction, StepCase } from './step-gateways.ts';

const { values } = parseArgs({
  options: {
    /** Steps of each load and report interval. */
    samples: { type: 'string', default: '12' },
    /** Steady seconds before the first step. */
    warm: { type: 'string', default: '240' },
    days: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
  },
});
const [samples, warmSec, days] = [Number(values.samples), Number(values.warm), Number(values.days)];
const EVERY_SEC = [1, 2];
/** Of the decision core alone, in virtual time. */
const JUMPS = 1_000;
/** The steps are spread over so long, so that they share as few evaluations as in life. */
const SPREAD_MS = 30_000;

const names = STEP_CASES.flatMap((of, at) =>
  EVERY_SEC.flatMap((everySec) =>
    Array.from({ length: samples }, (_, index) => ({ workload: `model-${at}-${everySec}-${index}`, of, everySec })),
  ),
);

function policyOf({ workload, of }: { readonly workload: string; readonly of: StepCase }): string {
  return `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: ${workload} }
spec:
  mode: act
  target: { name: ${workload} }
  replicas: { max: 200 }
  signals: [${JSON.stringify(of.signal)}]
`;
}

async function measure() {
  const rig = await startRig(
    {
      world: {
        deployments: names.map(({ workload: name, of }) => ({
          name,
          replicas: of.replicas,
          gpusPerPod: 0,
          modelLoadSec: 1,
          imagePullSec: 0.1,
        })),
      },
      policies: names.map(policyOf).join('---\n'),
      partitions: 4,
    },
    // oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
    process.env,
  );
  try {
    const producer = rig.stream.producer();
    const startMs = systemClock.monotonicMs();
    const gateways = names.map((name): Gateway => ({
      ...name,
      stepMs: startMs + warmSec * 1_000 + Math.random() * SPREAD_MS,
    }));
    const untilMs = startMs + warmSec * 1_000 + SPREAD_MS + AFTER_MS;
    process.stderr.write(`${gateways.length} gateways report; figures in ${warmSec + 50} s.\n`);
    const reactions = await Promise.all(
      gateways.map(async (gateway, index) => {
        const sentMs = await runGateway(gateway, { producer, untilMs, random: seededRandom(index + 1) });
        return { gateway, ...reactionOf(gateway, { cluster: rig.cluster, sentMs }) };
      }),
    );
    await producer.close();
    const loads = loadavg().map((load) => Math.round(load * 10) / 10);
    const steps = STEP_CASES.flatMap((of) =>
      EVERY_SEC.map((everySec) => {
        const own = reactions.filter(({ gateway }) => gateway.of === of && gateway.everySec === everySec);
        return { name: of.name, everySec, goalSec: of.goalSec, ...summaryOf(own, of) };
      }),
    );
    return { kafka: rig.kafkaVersion, redis: rig.redisVersion, loads, steps };
  } finally {
    await rig.close();
  }
}

function summaryOf(reactions: readonly Reaction[], { goalSec }: StepCase) {
  const of = (read: (reaction: Reaction) => number) => {
    const all = reactions.map(read);
    return { p50: rounded(quantile(all, 0.5)), max: rounded(Math.max(...all)) };
  };
  return {
    samples: reactions.length,
    inTime: reactions.filter(({ raisedSec }) => raisedSec <= goalSec).length,
    raisedSec: of(({ raisedSec }) => raisedSec),
    pathSec: of(({ pathSec }) => pathSec),
    servedSec: of(({ servedSec }) => servedSec),
    steadyRaises: reactions.reduce((sum, one) => sum + one.steadyRaises, 0),
  };
}

function rounded(sec: number): number {
  return Math.round(sec * 100) / 100;
}

const { steps, ...measured } = await measure();
const alarms = STEP_CASES.flatMap((of) => EVERY_SEC.map((everySec) => alarmsOf(of, { everySec, days })));
const core = STEP_CASES.flatMap((of) => EVERY_SEC.map((everySec) => coreReactionOf(of, { everySec, jumps: JUMPS })));
if (values.json) process.stdout.write(`${JSON.stringify({ machine: machine(), ...measured, steps, core, alarms })}\n`);
else {
  const lines = [
    `${machine()}, Kafka ${measured.kafka}, Redis ${measured.redis}; load average ${measured.loads.join(' ')}`,
    `Step ×2 → PATCH [s] after ${warmSec} s of steady load:`,
    ...steps.map(
      (of) =>
        `  ${of.name}, a report every ${of.everySec} s: raised p50 ${of.raisedSec.p50}, max ${of.raisedSec.max}, of that from the report p50 ${of.pathSec.p50}, max ${of.pathSec.max}; ${of.inTime} of ${of.samples} within ${of.goalSec} s; ` +
        `replicas for all of it p50 ${of.servedSec.p50}, max ${of.servedSec.max}; ${of.steadyRaises} raises in ${of.samples} steady minutes`,
    ),
    `The decision core alone, ${JUMPS} steps [s]:`,
    ...core.map(
      (of) =>
        `  ${of.name}, a report every ${of.everySec} s: raised p50 ${of.p50Sec}, p99 ${of.p99Sec}, max ${of.maxSec}; ${of.inTime} within the goal`,
    ),
    `Steady Poisson load, ${days} days of virtual time:`,
    ...alarms.map(
      (of) =>
        `  ${of.name}, a report every ${of.everySec} s: taken for a step ${of.alarms} times in ${of.looks} looks; raised by any rule ${of.raises} times`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
