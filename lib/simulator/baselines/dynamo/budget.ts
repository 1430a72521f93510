/** The GPU budget of NVIDIA Dynamo's planner 1.3.1. Only its upper limit: no recorded series has a lower one. */

/** Engines have whole GPUs; a budget below 0 means none. */
export type DynamoBudget = {
  readonly mode: 'prefill' | 'decode' | 'agg' | 'disagg';
  readonly minEndpoint: number;
  readonly maxGpuBudget: number;
  readonly prefillGpusPerEngine: number;
  readonly decodeGpusPerEngine: number;
};

/** Both counts in the same proportion, prefill first; none at all when not even the minimum of both fits. Rounds down. */
export function withinBudget(
  budget: DynamoBudget,
  { prefill, decode }: { readonly prefill: number; readonly decode: number },
): { readonly prefill: number; readonly decode: number } {
  const { minEndpoint, maxGpuBudget, prefillGpusPerEngine, decodeGpusPerEngine } = budget;
  const total = prefill * prefillGpusPerEngine + decode * decodeGpusPerEngine;
  if (maxGpuBudget < 0 || total <= maxGpuBudget) return { prefill, decode };
  if (maxGpuBudget < minEndpoint * (prefillGpusPerEngine + decodeGpusPerEngine)) return { prefill: 0, decode: 0 };
  const besideDecode = Math.floor((maxGpuBudget - minEndpoint * decodeGpusPerEngine) / prefillGpusPerEngine);
  const inProportion = Math.floor((prefill * maxGpuBudget) / total);
  const kept = Math.max(minEndpoint, Math.min(besideDecode, inProportion));
  const rest = Math.floor((maxGpuBudget - kept * prefillGpusPerEngine) / decodeGpusPerEngine);
  return { prefill: kept, decode: Math.max(minEndpoint, rest) };
}

/** The count of a mode with one component; 0 when not even the minimum fits. */
export function withinBudgetAlone(budget: DynamoBudget, replicas: number): number {
  const { minEndpoint, maxGpuBudget, mode, prefillGpusPerEngine, decodeGpusPerEngine } = budget;
  const gpusPerEngine = mode === 'prefill' ? prefillGpusPerEngine : decodeGpusPerEngine;
  if (maxGpuBudget < 0 || replicas * gpusPerEngine <= maxGpuBudget) return replicas;
  if (maxGpuBudget < minEndpoint * gpusPerEngine) return 0;
  return Math.max(minEndpoint, Math.floor(maxGpuBudget / gpusPerEngine));
}
