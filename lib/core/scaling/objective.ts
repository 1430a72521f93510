/** What a policy promises of waiting, with what holds when it promises nothing. */
import type { ScalingPolicy } from '../policy.ts';

/** Without an objective a request should hardly wait [s], and one in a thousand may wait longer. */
const WAIT_SEC_DEFAULT = 2;
const SLO_RATIO_DEFAULT = 0.999;

/** How long a request may wait [s], ≥ 0. */
export function waitSecOf({ spec }: ScalingPolicy): number {
  return spec.slo?.waitSec ?? spec.slo?.ttftSec ?? WAIT_SEC_DEFAULT;
}

/** From when on a first token is late [ms]; undefined where the policy does not say: then they are not counted. */
export function lateAfterMsOf({ spec }: ScalingPolicy): number | undefined {
  return spec.slo?.ttftSec === undefined ? undefined : spec.slo.ttftSec * 1000;
}

/** Share of requests that may wait longer, 0..1. */
export function sloMissRatioOf({ spec }: ScalingPolicy): number {
  return 1 - (spec.slo?.ratio ?? SLO_RATIO_DEFAULT);
}
