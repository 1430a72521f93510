/** vLLM. Names as in vLLM 0.33.0 (`vllm/v1/metrics/loggers.py`, `vllm/v1/engine/__init__.py`), the cache gauge also as before 0.9. */
import type { MappingInput } from '../mapping.ts';

export const vllm: MappingInput = {
  inFlight: { metric: 'vllm:num_requests_running' },
  queued: { metric: 'vllm:num_requests_waiting' },
  // Finished reasons: stop, length, abort, error, repetition. A request whose client went away is in none of them.
  completed: { metric: 'vllm:request_success_total', except: { finished_reason: ['abort', 'error'] } },
  cancelled: { metric: 'vllm:request_success_total', labels: { finished_reason: 'abort' } },
  failed: { metric: 'vllm:request_success_total', labels: { finished_reason: 'error' } },
  // Counts prompts when their prefill is done, with the tokens that came from the prefix cache.
  inputTokens: { metric: 'vllm:prompt_tokens_total' },
  outputTokens: { metric: 'vllm:generation_tokens_total' },
  kvCacheRatio: { metric: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'] },
  ttft: { metric: 'vllm:time_to_first_token_seconds' },
};
