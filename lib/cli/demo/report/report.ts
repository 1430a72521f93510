/** What the demo measured: read back from Kafka, the cluster's API, the controller and the alert receiver, then checked. */
import type { RequestsLog } from '../../../simulator/cluster-server/requests-log.ts';
import type { Cost } from './bill.ts';
import type { Receiver } from '../servers/receiver.ts';
import { quantileOf, sumOf } from '../processes/controller-client.ts';
import type { ControllerView } from '../processes/controller-client.ts';

export type DemoReport = {
  readonly kafka: { readonly kind: string; readonly version: string };
  readonly redis: { readonly kind: string; readonly version: string };
  /** `simulated Kubernetes`, or its name and version. */
  readonly cluster: string;
  readonly durationSec: number;
  /** Records in the two load topics, by their end offsets. */
  readonly eventsProduced: number;
  readonly eventsApplied: number;
  /** Records in the dead-letter topic, by its end offset. */
  readonly eventsDeadLettered: number;
  readonly decisions: number;
  /** Changes of a replica count that the Kubernetes API accepted: Σ generation − 1 of the Deployments, of which nothing else was changed. */
  readonly deploymentResizes: number;
  /** Accepted size changes of node groups and instances ended by name, as the AWS APIs logged them. */
  readonly nodeGroupResizes: number;
  /** Messages whose signature the local receiver found valid. */
  readonly alertsDelivered: number;
  readonly eventToPatchMs: { readonly p50: number | null; readonly p99: number | null };
  /** Requests that waited longer than their model's limit, over all requests, 0..1. */
  readonly unservedShare: number;
  readonly gpuHours: number;
  readonly costUsd: number;
  /** The largest fleet of the day, kept all day. */
  readonly constantFleet: Cost;
  readonly problems: readonly string[];
};

export type ReportInput = {
  readonly kafka: DemoReport['kafka'];
  readonly redis: DemoReport['redis'];
  readonly cluster: string;
  readonly durationSec: number;
  readonly produced: number;
  readonly deadLettered: number;
  /** Poisoned events that were sent on purpose. */
  readonly poisoned: number;
  readonly controller: ControllerView | undefined;
  /** What reached the simulated AWS APIs. */
  readonly requests: RequestsLog;
  readonly receiver: Receiver;
  readonly unservedShare: number;
  readonly cost: Cost;
  readonly constant: Cost;
  /** Read back from the APIs at the end. */
  readonly readBack: ReadBack;
};

export type ReadBack = {
  /** Deployment → generation: 1 means that nobody ever resized it. */
  readonly deployments: ReadonlyMap<string, number>;
  /** Node group → number of updates EKS knows of. */
  readonly nodeGroups: ReadonlyMap<string, number>;
};

/** Puts the report together; `problems` is empty when everything the demo promises is true. */
export function makeReport(input: ReportInput): DemoReport {
  const metrics = input.controller?.metrics ?? new Map<string, number>();
  const ok = (operation: string): number =>
    input.requests.of(operation).filter((r) => r.status >= 200 && r.status < 300).length;
  const report = {
    kafka: input.kafka,
    redis: input.redis,
    cluster: input.cluster,
    durationSec: input.durationSec,
    eventsProduced: input.produced,
    eventsApplied: sumOf(metrics, 'penstock_ingest_events_applied_total'),
    eventsDeadLettered: input.deadLettered,
    decisions: sumOf(metrics, 'penstock_decisions_total'),
    deploymentResizes: [...input.readBack.deployments.values()].reduce((sum, generation) => sum + generation - 1, 0),
    nodeGroupResizes: ok('UpdateNodegroupConfig') + ok('TerminateInstanceInAutoScalingGroup'),
    alertsDelivered: input.receiver.received().length,
    eventToPatchMs: {
      p50: quantileOf(metrics, 'penstock_event_to_patch_ms', 0.5) ?? null,
      p99: quantileOf(metrics, 'penstock_event_to_patch_ms', 0.99) ?? null,
    },
    unservedShare: input.unservedShare,
    gpuHours: input.cost.gpuHours,
    costUsd: input.cost.usd,
    constantFleet: input.constant,
  };
  return { ...report, problems: problemsOf(report, input) };
}

function problemsOf(report: Omit<DemoReport, 'problems'>, input: ReportInput): string[] {
  const problems: string[] = [];
  if (input.controller === undefined) problems.push('the controller did not answer at the end');
  const accounted = report.eventsApplied + report.eventsDeadLettered;
  if (accounted !== report.eventsProduced) {
    problems.push(
      `${report.eventsProduced} events were produced, ${accounted} are accounted for (applied + dead-lettered)`,
    );
  }
  if (report.eventsDeadLettered !== input.poisoned) {
    problems.push(
      `${input.poisoned} poisoned events were sent, ${report.eventsDeadLettered} are in the dead-letter topic`,
    );
  }
  if (input.readBack.deployments.size === 0) problems.push('no Deployment was read back');
  for (const [name, generation] of input.readBack.deployments) {
    if (generation <= 1) problems.push(`Deployment ${name} was never resized (generation ${generation})`);
  }
  if (![...input.readBack.nodeGroups.values()].some((updates) => updates > 0))
    problems.push('no node group was ever resized');
  if (report.alertsDelivered === 0) problems.push('no alert reached the receiver');
  if (input.receiver.rejected() > 0) problems.push(`${input.receiver.rejected()} alerts had a wrong signature`);
  return problems;
}
