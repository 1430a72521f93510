/** One request per line under the usual names: what a gateway log is easily turned into. */
import { csvRequests } from './csv-requests.ts';

export const requests = csvRequests({
  name: 'requests',
  time: ['timestamp', 't', 'time', 't_s', 't_ms', 'timestamp_ms', 'arrival_time', 'arrived_at'],
  input: ['input_tokens', 'prompt_tokens', 'context_tokens', 'input_length', 'in_tok'],
  output: ['output_tokens', 'completion_tokens', 'generated_tokens', 'output_length', 'out_tok'],
  header: 'timestamp,input_tokens,output_tokens',
});
