/** The last words of the demo: what happened, in ten lines. */
import type { Colors } from '../view/view.ts';
import type { DemoReport } from './report.ts';
import { daySpeed, replicaStartSec } from '../scene.ts';

/** Lines for a terminal. */
export function renderSummary(report: DemoReport, colors: Colors): string[] {
  const row = (name: string, text: string): string => ` ${colors.dim(name.padEnd(18))}${text}`;
  const latency = report.eventToPatchMs;
  const more = (text: string): string => row('', colors.dim(text));
  return [
    '',
    ` ${report.problems.length === 0 ? colors.green('✓') : colors.red('✗')} ${colors.bold('A day of inference traffic, in short')}`,
    '',
    row('late requests', `${(report.unservedShare * 100).toFixed(2)} % waited longer than their limit`),
    ...(report.unservedShare < LATE_RATIO_TOLD ? [] : whyLate(report).map(more)),
    row('GPUs', `${report.gpuHours.toFixed(2)} GPU-hours, ${report.costUsd.toFixed(2)} USD of simulated time`),
    ...constantFleet(report).map(more),
    row('reaction', `${ms(latency.p50)} from an event to its resize (p99 ${ms(latency.p99)})`),
    row(
      'people called',
      `${report.alertsDelivered} ${report.alertsDelivered === 1 ? 'alert' : 'alerts'} delivered, signatures checked by the receiver`,
    ),
    row(
      'resizes',
      `${report.deploymentResizes} of Deployments, ${report.nodeGroupResizes} of node groups, drained before they went`,
    ),
    row('decisions', `${n(report.decisions)}, each recorded with its reasons`),
    row(
      'events',
      `${n(report.eventsProduced)} in Kafka: ${n(report.eventsApplied)} applied once, ${report.eventsDeadLettered} broken ones put aside`,
    ),
    row(
      'ran on',
      `Kafka ${report.kafka.version}, ${report.redis.kind} ${report.redis.version}, ${report.cluster}, simulated EKS`,
    ),
    '',
    ...report.problems.map((problem) => ` ${colors.red('✗')} ${problem}`),
  ];
}

/** A newcomer asks why there are late requests at all, when he sees some. */
const LATE_RATIO_TOLD = 0.001;
/** A larger fleet is worth a line when it shows in the figures. */
const CONSTANT_RATIO_TOLD = 1.01;

function whyLate({ durationSec }: DemoReport): string[] {
  const startSec = replicaStartSec(durationSec).toFixed(0);
  return [
    `(rises are steeper than in life: hours pass ${n(daySpeed(durationSec))} times as`,
    `fast, a replica still needs about ${startSec} s)`,
  ];
}

/** What a fleet of one size would have cost; nothing to say where it was one. */
function constantFleet({ constantFleet: constant, gpuHours }: DemoReport): string[] {
  if (constant.gpuHours <= gpuHours * CONSTANT_RATIO_TOLD) return [];
  return [
    `(${constant.gpuHours.toFixed(2)} GPU-hours, ${constant.usd.toFixed(2)} USD had the fleet been as large`,
    'all day as it was at most)',
  ];
}

function ms(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(0)} ms`;
}

function n(value: number): string {
  return value.toLocaleString('en');
}
