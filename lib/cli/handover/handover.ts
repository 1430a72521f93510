/** `penstock handover` and `penstock handback`: between Penstock and another autoscaler, through the Kubernetes API alone. */
import { systemClock } from '../../base/clock.ts';
import { ConfigError } from '../../base/errors.ts';
import { jsonLogger } from '../../base/log.ts';
import { noMetrics } from '../../base/metrics.ts';
import type { ScalingPolicy } from '../../core/policy.ts';
import { readConfig } from '../../hosts/config.ts';
import { openKubernetes, openPolicies } from '../../hosts/connections.ts';
import { targetKinds } from '../../targets/index.ts';
import { handBack } from './hand-back.ts';
import { handOver } from './hand-over.ts';
import type { HandoverDeps } from './steps.ts';

export type HandoverOptions = { readonly dryRun: boolean };

/** Throws what {@link handOver} throws, and ConfigError for an unknown workload or without a cluster. */
export async function handoverCommand(workload: string, options: HandoverOptions): Promise<void> {
  await withDeps(workload, options, (deps, policy) => handOver(deps, policy));
}

/** Throws what {@link handBack} throws, and ConfigError for an unknown workload or without a cluster. */
export async function handbackCommand(
  workload: string,
  options: HandoverOptions & { readonly liftFloor: boolean },
): Promise<void> {
  await withDeps(workload, options, (deps, policy) => handBack(deps, policy, { liftFloor: options.liftFloor }));
}

async function withDeps(
  workload: string,
  options: HandoverOptions,
  work: (deps: HandoverDeps, policy: ScalingPolicy) => Promise<void>,
): Promise<void> {
  const base = { config: readConfig(), log: jsonLogger({ level: 'error' }), metrics: noMetrics };
  const { workloads } = await openPolicies(base).current();
  const policy = workloads.get(workload);
  if (policy === undefined) {
    throw new ConfigError(
      `Cannot find workload "${workload}": expected one of ${[...workloads.keys()].join(', ')}, current value is "${workload}"`,
    );
  }
  const client = openKubernetes(base);
  if (client === null) {
    throw new ConfigError(`Cannot hand over "${workload}": expected a Kubernetes cluster, current value is none`);
  }
  try {
    const target = targetKinds.kubernetesScale(client);
    await work({ client, target, clock: systemClock, say, isDryRun: options.dryRun }, policy);
  } finally {
    await client.close();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
