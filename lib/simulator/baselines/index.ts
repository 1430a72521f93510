/** Every baseline by its name on the command line. */
import { aibrix } from './aibrix.ts';
import type { BaselineFactory } from './contract.ts';
import { dynamo } from './dynamo.ts';
import { hpa } from './hpa.ts';
import { kedaPrometheus } from './keda-prometheus.ts';
import { keda } from './keda.ts';
import { knative } from './knative.ts';
import { ray } from './ray.ts';
import { staticFleet } from './static.ts';
import { wva } from './wva.ts';

export const baselines = {
  hpa,
  keda,
  'keda-prometheus': kedaPrometheus,
  knative,
  aibrix,
  wva,
  dynamo,
  ray,
  static: staticFleet,
} satisfies Record<string, BaselineFactory>;
