/** The last words of the demo: what happened, in ten lines. */
import type { Colors } from '../view/view.ts';
import type { DemoReport } from './report.ts';
import { daySpeed, replicaStartSec } from '../scene.ts';

/** Lines for a terminal. */
export function renderSummary(report: DemoReport, colors: Colors): string[] {
  const row = (name: string, text: string): string => ` ${colors.dim(name.padEnd(18))}${text}`;
  const latency = report.eventToPatchMs;
  return [
    '',
    ` ${report.problems.length === 0 ? colors.green('✓') : colors.red('✗')} ${colors.bold('A day of inference traffic, in short')}`,
    '',
    row(
      'events',
      `${n(report.eventsProduced)} produced, ${n(report.eventsApplied)} applied once, ${report.eventsDeadLettered} dead-lettered with their reason`,
    ),
    row('decisions', `${n(report.decisions)} recorded, each with its reasons`),
    row('Deployments', `${report.deploymentResizes} resizes`),
    row('GPU node groups', `${report.nodeGroupResizes} changes, nodes drained before they went`),
    row(
      'event to patch',
      `p50 ${ms(latency.p50)}, p99 ${ms(latency.p99)} (from the event's time in Kafka to the accepted PATCH)`,
    ),
    row('late requests', `${(report.unservedShare * 100).toFixed(2)} % waited longer than their limit`),
    ...(report.unservedShare < LATE_RATIO_TOLD ? [] : [row('', colors.dim(whyLate(report)))]),
    row('alerts', `${report.alertsDelivered} delivered, signatures checked by the receiver`),
    row('cost', `${report.gpuHours.toFixed(2)} GPU-hours, ${report.costUsd.toFixed(2)} USD of simulated time`),
    ...constantFleet(report).map((line) => row('', colors.dim(line))),
    row(
      'ran on',
      `Kafka ${report.kafka.version} (${report.kafka.kind}), ${report.redis.kind} ${report.redis.version}, ${report.cluster} and simulated EKS`,
    ),
    '',
    ...report.problems.map((problem) => ` ${colors.red('✗')} ${problem}`),
  ];
}

/** A newcomer asks why there are late requests at all, when he sees some. */
const LATE_RATIO_TOLD = 0.001;
/** A larger fleet is worth a line when it shows in the figures. */
const CONSTANT_RATIO_TOLD = 1.01;

function whyLate({ durationSec }: DemoReport): string {
  const startSec = replicaStartSec(durationSec).toFixed(0);
  return `(rises are steeper than in life: hours pass ${n(daySpeed(durationSec))} times as fast, a replica still needs about ${startSec} s)`;
}

/** What a fleet of one size would have cost; nothing to say where it was one. */
function constantFleet({ constantFleet: constant, gpuHours }: DemoReport): string[] {
  if (constant.gpuHours <= gpuHours * CONSTANT_RATIO_TOLD) return [];
  return [
    `(${constant.gpuHours.toFixed(2)} GPU-hours, ${constant.usd.toFixed(2)} USD had it been as large all day as it was at most)`,
  ];
}

function ms(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(0)} ms`;
}

function n(value: number): string {
  return value.toLocaleString('en');
}
