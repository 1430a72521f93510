/** Text Generation Inference. Names as in its metrics reference, not tried against a release; token counts are the sums of histograms over requests that ended. */
import type { MappingInput } from '../mapping.ts';

export const tgi: MappingInput = {
  inFlight: { metric: 'tgi_batch_current_size' },
  queued: { metric: 'tgi_queue_size' },
  arrived: { metric: 'tgi_request_count' },
  completed: { metric: 'tgi_request_success' },
  failed: { metric: 'tgi_request_failure' },
  outputTokens: { metric: 'tgi_request_generated_tokens_sum' },
  inputTokens: { metric: 'tgi_request_input_length_sum' },
};
