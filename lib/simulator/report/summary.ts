/** The result in one sentence, whichever way it went. */
import { count, decimal, percentAbout } from './format.ts';
import { OPTIMUM, PENSTOCK, WINDOW_RULE, cheapestPeer, peersByCost, usualPeer } from './policies.ts';
import type { NamedPolicy } from './policies.ts';
import type { PolicyFigures, ReplayReport } from './types.ts';

/** Below half a percent two figures are called about the same. */
const SAME_RATIO = 0.005;
/** What is left of 100 % when 99 % are gone. */
const HARDLY_ANY_RATIO = 0.01;

/** What Penstock would have cost and missed beside the usual peer, the best one, and the optimum. Plain text, names as they are in the report. */
export function summarySentence(report: ReplayReport): string {
  const own = report.policies[PENSTOCK];
  if (own === undefined) return 'Penstock was not part of this replay.';
  const peers = besidePeers(report, own);
  const alone = `used ${decimal(own.gpuHours, 1)} GPU-hours and missed ${requests(Math.round(own.sloMissCount))}`;
  const parts = [...(peers.length === 0 ? [alone] : peers), ...besideOptimum(report, own)];
  return `Penstock ${parts.join('; ')}.`;
}

function besidePeers(report: ReplayReport, own: PolicyFigures): string[] {
  const usual = usualPeer(report);
  if (usual === undefined) return [];
  const best = cheapestPeer(report, own.sloMissCount);
  if (best === undefined) return [compared(own, usual), nobodyMissedAsFew(report, usual)];
  if (best.name !== usual.name) {
    return [
      compared(own, usual),
      compared(own, { ...best, name: `${best.name}, the cheapest peer that missed no more,` }),
    ];
  }
  return [compared(own, usual), `of the peers that missed no more, ${usual.name} was the cheapest`];
}

function nobodyMissedAsFew(report: ReplayReport, usual: NamedPolicy): string {
  const [nearest] = peersByCost(report).toSorted((one, other) => one.figures.sloMissCount - other.figures.sloMissCount);
  if (nearest === undefined || nearest.name === usual.name) return 'no peer missed as few';
  const { sloMissCount, gpuHours } = nearest.figures;
  return `no peer missed as few: the nearest, ${nearest.name}, missed ${count(sloMissCount)} with ${decimal(gpuHours, 1)} GPU-hours`;
}

function besideOptimum(report: ReplayReport, own: PolicyFigures): string[] {
  if (report.policies[OPTIMUM] === undefined || !Number.isFinite(own.ratioToOptimum)) return [];
  const window =
    report.policies[WINDOW_RULE] === undefined ? '' : ` (${decimal(own.ratioToWindowRule, 2)} × the window rule's)`;
  return [`its GPU-hours are ${decimal(own.ratioToOptimum, 2)} × those of the optimum${window}`];
}

/** Says "used 12 % fewer GPU-hours than hpa and missed 67 % fewer requests (1,204 against 3,611)". */
function compared(own: PolicyFigures, peer: NamedPolicy): string {
  const cost = costBeside(own.gpuHours, peer);
  // A fluid has fractions of requests; a sentence has not.
  const misses = missesBeside(Math.round(own.sloMissCount), peer);
  // Opposite signs: one is paid for with the other.
  const joint = cost.sign * misses.sign < 0 ? 'but' : 'and';
  return `used ${cost.text} ${joint} ${misses.text}`;
}

type Compared = { readonly sign: number; readonly text: string };

function costBeside(gpuHours: number, { name, figures }: NamedPolicy): Compared {
  if (gpuHours === figures.gpuHours) return { sign: 0, text: `the same GPU-hours as ${name}` };
  const ratio = gpuHours / figures.gpuHours;
  const sign = Math.sign(gpuHours - figures.gpuHours);
  if (!Number.isFinite(ratio)) return { sign, text: `${decimal(gpuHours, 1)} GPU-hours against none of ${name}` };
  if (Math.abs(ratio - 1) < SAME_RATIO) return { sign: 0, text: `about the same GPU-hours as ${name}` };
  if (ratio >= 2) return { sign, text: `${decimal(ratio, 1)} × the GPU-hours of ${name}` };
  if (ratio < HARDLY_ANY_RATIO) return { sign, text: `over 99 % fewer GPU-hours than ${name}` };
  return { sign, text: `${percentAbout(ratio - 1)} % ${sign > 0 ? 'more' : 'fewer'} GPU-hours than ${name}` };
}

function missesBeside(missCount: number, { figures }: NamedPolicy): Compared {
  const theirs = Math.round(figures.sloMissCount);
  const sign = Math.sign(missCount - theirs);
  const counts = `(${count(missCount)} against ${count(theirs)})`;
  if (missCount === 0 && theirs === 0) return { sign, text: 'neither missed a request' };
  if (missCount === theirs) return { sign, text: `missed as many requests (${count(missCount)} each)` };
  if (missCount === 0) return { sign, text: `missed no request, where that peer missed ${count(theirs)}` };
  if (theirs === 0) return { sign, text: `missed ${requests(missCount)}, where that peer missed none` };
  const ratio = missCount / theirs;
  if (ratio >= 2) return { sign, text: `missed ${decimal(ratio, ratio < 100 ? 1 : 0)} × as many requests ${counts}` };
  if (Math.abs(ratio - 1) < SAME_RATIO) return { sign: 0, text: `missed about as many requests ${counts}` };
  // Rounded it would be all of them.
  if (ratio < HARDLY_ANY_RATIO) return { sign, text: `missed over 99 % fewer requests ${counts}` };
  return { sign, text: `missed ${percentAbout(ratio - 1)} % ${sign > 0 ? 'more' : 'fewer'} requests ${counts}` };
}

function requests(missCount: number): string {
  return missCount === 1 ? '1 request' : `${count(missCount)} requests`;
}
