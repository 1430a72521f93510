/** Worlds for tests: full defaults, so that what a test sets is what it is about. */
import { createWorld } from '../../../lib/simulator/world/world.ts';
import type { World } from '../../../lib/simulator/world/world.ts';
import type { DeploymentSettings, NodeGroupSettings, WorldSettings } from '../../../lib/simulator/world/settings.ts';

/** Start of every test world [epoch ms]. */
export const START_MS = 1_763_920_800_000;

/** Two Ready one-GPU nodes (of up to five) and a Deployment of two Ready replicas. */
export function buildWorld(settings: WorldSettings = {}): World {
  return createWorld({ nodeGroups: [group()], deployments: [deployment()], ...settings }, START_MS);
}

export function group(settings: Partial<NodeGroupSettings> = {}): NodeGroupSettings {
  return { name: 'gpu', desiredSize: 2, minSize: 0, maxSize: 5, ...settings };
}

export function deployment(settings: Partial<DeploymentSettings> = {}): DeploymentSettings {
  return { name: 'chat', replicas: 2, ...settings };
}

/** Moves the world on by `sec` seconds. */
export function wait(world: World, sec: number): void {
  world.advanceTo(world.nowMs() + sec * 1000);
}

/** Seconds since the start. */
export function elapsedSec(world: World): number {
  return (world.nowMs() - START_MS) / 1000;
}

/** Advances event by event until `holds`; returns the seconds since the start, Infinity when it never does in an hour. */
export function secUntil(world: World, holds: () => boolean): number {
  while (!holds()) {
    const next = world.nextEventMs();
    if (next === undefined || next > world.nowMs() + 3_600_000) return Infinity;
    world.advanceTo(next);
  }
  return elapsedSec(world);
}

/** Starts an update of the sizes with a token of its own; throws when it is refused. */
export function resize(world: World, size: { minSize?: number; maxSize?: number; desiredSize?: number }): string {
  const answer = world.updateNodeGroup('gpu', { ...size, token: `${world.state.version}-${world.nowMs()}` });
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
  return answer.value.id;
}
