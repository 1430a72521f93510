/** The servers that are known by name. */
import { mappingSchema } from '../mapping.ts';
import type { Mapping } from '../mapping.ts';
import { sglang } from './sglang.ts';
import { tgi } from './tgi.ts';
import { vllm } from './vllm.ts';

/** By the `bridge.preset` of a policy, with all defaults filled in. */
export const presets: Readonly<Record<string, Mapping>> = {
  vllm: mappingSchema.parse(vllm),
  sglang: mappingSchema.parse(sglang),
  tgi: mappingSchema.parse(tgi),
};
