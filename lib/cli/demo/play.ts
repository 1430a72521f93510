/** Plays the day against running servers: topics, controller and bridge, traffic, the live view, and the accounting at the end. */
import { systemClock } from '../../base/clock.ts';
import { TransientError } from '../../base/errors.ts';
import { freePorts } from '../../local/process/ports.ts';
import type { Topics } from '../../loop/deps.ts';
import { makeBill } from './report/bill.ts';
import type { Bill } from './report/bill.ts';
import type { Child } from './processes/children.ts';
import { readController, sumOf } from './processes/controller-client.ts';
import type { ControllerView } from './processes/controller-client.ts';
import { openDemoKafka } from './servers/kafka.ts';
import type { DemoKafka } from './servers/kafka.ts';
import { startModelServers } from './model-servers.ts';
import {
  logFilesOf,
  settingsOf,
  startChildren,
  topicsOf,
  waitForController,
  writePolicies,
  writeSettings,
} from './processes/processes.ts';
import type { ProcessesOptions } from './processes/processes.ts';
import { readBack } from './report/read-back.ts';
import { makeReport } from './report/report.ts';
import type { DemoReport } from './report/report.ts';
import { POISON } from './scene.ts';
import { showLive, showPlain } from './view/show.ts';
import type { Show } from './view/show.ts';
import { makeTraffic } from './traffic.ts';
import type { Traffic } from './traffic.ts';
import type { Colors } from './view/view.ts';

export type PlayOptions = ProcessesOptions & {
  readonly durationSec: number;
  readonly live: boolean;
  /** Where lines of text go when it is not live. */
  readonly lines: NodeJS.WritableStream;
  readonly colors: Colors;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
};

const TICK_MS = 100;
const LOOK_MS = 400;
/** After the day: the last events are applied, the last messages delivered. */
const SETTLE_MS_MAX = 20_000;

/** Undefined when it was stopped before the end. Throws TransientError when the controller does not start or dies. */
export async function playDay(options: PlayOptions): Promise<DemoReport | undefined> {
  const { servers, progress, signal, undo } = options;
  const { fleet, cloud } = servers.cluster;
  const topics = topicsOf(options);
  const kafka = await openDemoKafka(servers.kafka.brokers, topics);
  undo.push(() => kafka.close());
  const [httpPort = 0, metricsPort = 0] = await freePorts(2);
  const policyFile = await writePolicies(options, metricsPort);
  const settings = settingsOf(options, { topics, httpPort, policyFile });
  const children = startChildren(options, settings);
  const lookText = `In another terminal: . ${await writeSettings(options, settings)}; npx penstock explain llama-8b-chat`;
  progress('Started the controller and the bridge as processes of their own.');
  const url = `http://127.0.0.1:${httpPort}`;
  await waitForController({ url, children, signal, logFiles: logFilesOf(options) });
  if (signal.aborted) return undefined;
  progress(`Live. ${options.durationSec} s for one day; the controller's log is ${logFilesOf(options)[0] ?? ''}`);
  progress(`Live page: ${url}/`);
  progress(lookText);
  const startMs = systemClock.nowMs();
  const traffic = makeTraffic({ fleet, cloud, startMs, durationMs: options.durationSec * 1000 });
  const modelServers = startModelServers({ fleet, models: traffic.models, port: metricsPort });
  undo.push(() => modelServers.close());

  const show = options.live ? showLive(options) : showPlain(options);
  const producing = producerOf(kafka, topics);
  const run: Run = {
    options,
    traffic,
    kafka,
    topics,
    children,
    url,
    hints: [lookText],
    show,
    producing,
    bill: makeBill(cloud),
    update: () => modelServers.update(),
  };
  try {
    await playTicks(run);
  } finally {
    show.end();
  }
  if (signal.aborted) return undefined;
  return account(run);
}

type Run = {
  readonly options: PlayOptions;
  readonly traffic: Traffic;
  readonly kafka: DemoKafka;
  readonly topics: Topics;
  readonly children: readonly Child[];
  readonly url: string;
  /** How people look into it from elsewhere. */
  readonly hints: readonly string[];
  readonly show: Show;
  readonly producing: Producing;
  readonly bill: Bill;
  readonly update: () => void;
};

type Producing = {
  /** Hands records over without waiting; errors are kept for the end. */
  publish(records: ReturnType<Traffic['tick']>): void;
  poisoned(): number;
  /** Resolves when everything was acknowledged. */
  settled(): Promise<void>;
};

function producerOf(kafka: DemoKafka, topics: Topics): Producing {
  let poisoned = 0;
  let failure: unknown;
  let last: Promise<void> = Promise.resolve();
  return {
    publish: (records) => {
      if (records.length === 0) return;
      poisoned += records.filter(({ record }) => POISON.includes(String(record.value))).length;
      const sent = kafka.send(records.map(({ topic, record }) => ({ ...record, topic: topics[topic] })));
      last = Promise.all([last, sent]).then(
        () => {},
        (error: unknown) => {
          failure ??= error;
        },
      );
    },
    poisoned: () => poisoned,
    settled: async () => {
      await last;
      if (failure !== undefined) throw failure;
    },
  };
}

async function playTicks(run: Run): Promise<void> {
  const { options, traffic } = run;
  const startMs = systemClock.monotonicMs();
  const durationMs = options.durationSec * 1000;
  let lastLookMs = -Infinity;
  let looking: Promise<void> = Promise.resolve();
  for (;;) {
    const elapsedMs = systemClock.monotonicMs() - startMs;
    if (options.signal.aborted || elapsedMs >= durationMs) break;
    run.producing.publish(traffic.tick(systemClock.nowMs()));
    run.update();
    run.bill.look();
    if (elapsedMs - lastLookMs >= LOOK_MS) {
      lastLookMs = elapsedMs;
      for (const model of traffic.models) model.history.push(model.requestsPerSec);
      looking = looking.then(() => look(run, elapsedMs / durationMs));
      // Thrown at the end; unheard until then it would end the process before everything is undone.
      looking.catch(() => {});
    }
    failWhenDead(run);
    await systemClock.sleep(TICK_MS, options.signal);
  }
  await looking;
}

function failWhenDead(run: Run): void {
  const dead = run.children.find((child) => child.exitCode() !== null);
  if (dead !== undefined) {
    throw new TransientError(`"penstock ${dead.name}" ended in the middle of the day with code ${dead.exitCode()}`);
  }
  const failure = run.options.servers.cluster.failure();
  if (failure !== undefined) throw failure;
}

async function look(run: Run, doneRatio: number): Promise<void> {
  const { servers } = run.options;
  const [controller, loads, depths] = await Promise.all([
    readController(run.url),
    run.kafka.count(run.topics.inferenceLoad).catch(() => null),
    run.kafka.count(run.topics.queueDepth).catch(() => null),
  ]);
  run.show.frame({
    traffic: run.traffic,
    fleet: servers.cluster.fleet,
    cloud: servers.cluster.cloud,
    controller,
    doneRatio,
    eventsProduced: loads === null || depths === null ? null : loads + depths,
    patches: acceptedPatches(run),
    alerts: servers.receiver.received(),
    servers: `Kafka ${servers.kafka.version} · ${servers.redis.kind} ${servers.redis.version} · ${servers.cluster.label}`,
    livePage: `${run.url}/`,
    hints: [...run.hints, ...(servers.cluster.hint === null ? [] : [servers.cluster.hint])],
  });
}

function acceptedPatches({ options, traffic }: Run): number {
  const { fleet, requests } = options.servers.cluster;
  const groups = requests.of('UpdateNodegroupConfig').filter(({ status }) => status === 200).length;
  return traffic.models.reduce((sum, { scene }) => sum + fleet.deployment(scene.name).resizes, groups);
}

/** Stops the load, lets the pipeline run dry, and reads everything back. */
async function account(run: Run): Promise<DemoReport> {
  const { servers } = run.options;
  const bill = run.bill.read();
  await run.producing.settled();
  // The bridge stops first: from here on nothing new is produced.
  await run.children.find((child) => child.name === 'bridge')?.stop();
  const produced = (await run.kafka.count(run.topics.inferenceLoad)) + (await run.kafka.count(run.topics.queueDepth));
  const controller = await settle(run, produced);
  return makeReport({
    kafka: { kind: servers.kafka.kind, version: servers.kafka.version },
    redis: { kind: servers.redis.kind, version: servers.redis.version },
    durationSec: run.options.durationSec,
    produced,
    deadLettered: await run.kafka.count(run.topics.deadLetter),
    poisoned: run.producing.poisoned(),
    controller,
    cluster: servers.cluster.label,
    requests: servers.cluster.requests,
    receiver: servers.receiver,
    unservedShare: run.traffic.unservedShare(),
    ...bill,
    readBack: await readBack(servers),
  });
}

/** Waits until every produced event is accounted for and no message waits, or the bound is reached. */
async function settle(run: Run, produced: number): Promise<ControllerView | undefined> {
  const deadlineMs = systemClock.monotonicMs() + SETTLE_MS_MAX;
  for (;;) {
    const controller = await readController(run.url);
    const metrics = controller?.metrics ?? new Map<string, number>();
    const seen =
      sumOf(metrics, 'penstock_ingest_events_applied_total') + sumOf(metrics, 'penstock_ingest_dead_lettered_total');
    if (controller !== undefined && seen >= produced && controller.status.outbox === 0) return controller;
    if (run.options.signal.aborted || systemClock.monotonicMs() > deadlineMs) return controller;
    await systemClock.sleep(100, run.options.signal);
  }
}
