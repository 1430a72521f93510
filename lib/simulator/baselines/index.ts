/** Every baseline by its name on the command line. */
import { aibrix } from './aibrix/aibrix.ts';
import type { BaselineFactory } from './contract.ts';
import { dynamo } from './dynamo/dynamo.ts';
import { hpa } from './hpa/hpa.ts';
import { kedaPrometheus } from './keda/keda-prometheus.ts';
import { keda } from './keda/keda.ts';
import { knative } from './knative/knative.ts';
import { ray } from './ray/ray.ts';
import { staticFleet } from './static.ts';
import { wva } from './wva/wva.ts';

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
