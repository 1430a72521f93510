/** SGLang, started with `--enable-metrics`. Names as in SGLang 0.5.23 (`sglang/srt/observability/metrics_collector.py`). */
import type { MappingInput } from '../mapping.ts';

export const sglang: MappingInput = {
  inFlight: { metric: 'sglang:num_running_reqs' },
  queued: { metric: 'sglang:num_queue_reqs' },
  completed: { metric: 'sglang:num_requests_total' },
  cancelled: { metric: 'sglang:num_aborted_requests_total' },
  inputTokens: { metric: 'sglang:prompt_tokens_total' },
  outputTokens: { metric: 'sglang:generation_tokens_total' },
  kvCacheRatio: { metric: 'sglang:token_usage' },
  ttft: { metric: 'sglang:time_to_first_token_seconds' },
};
