/** The last words of the demo: what happened, in ten lines. */
import type { Colors } from './view.ts';
import type { DemoReport } from './report.ts';
import { daySpeed, replicaStartSec } from './scene.ts';

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
    row(
      'cost',
      `${report.gpuHours.toFixed(2)} GPU-hours, ${report.costUsd.toFixed(2)} USD of simulated time${saving(report)}`,
    ),
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

function whyLate({ durationSec }: DemoReport): string {
  const startSec = replicaStartSec(durationSec).toFixed(0);
  return `(rises are steeper than in life: hours pass ${n(daySpeed(durationSec))} times as fast, a replica still needs about ${startSec} s)`;
}

/** How much less than the largest fleet of the day kept all day; nothing where it was that fleet. */
function saving({ constantFleet, gpuHours }: DemoReport): string {
  const ratio = constantFleet.gpuHours > 0 ? 1 - gpuHours / constantFleet.gpuHours : 0;
  return ratio < 0.01
    ? ''
    : `; the largest fleet of the day kept all day: ${constantFleet.gpuHours.toFixed(2)} GPU-hours, ${constantFleet.usd.toFixed(2)} USD`;
}

function ms(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(0)} ms`;
}

function n(value: number): string {
  return value.toLocaleString('en');
}
