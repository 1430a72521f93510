/** The last words of the demo: what happened, in ten lines. */
import type { Colors } from './view.ts';
import type { DemoReport } from './report.ts';

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
    row('alerts', `${report.alertsDelivered} delivered, signatures checked by the receiver`),
    row('cost', `${report.gpuHours.toFixed(2)} GPU-hours, ${report.costUsd.toFixed(2)} USD of simulated time`),
    row(
      'ran on',
      `Kafka ${report.kafka.version} (${report.kafka.kind}), ${report.redis.kind} ${report.redis.version}, ${report.cluster}, simulated EKS`,
    ),
    '',
    ...report.problems.map((problem) => ` ${colors.red('✗')} ${problem}`),
  ];
}

function ms(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(0)} ms`;
}

function n(value: number): string {
  return value.toLocaleString('en');
}
