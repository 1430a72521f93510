/** Samples of ServeGen: seconds, tokens in, tokens out. */
import { csvRequests } from './csv-requests.ts';

export const serveGen = csvRequests({
  name: 'servegen',
  time: ['t'],
  input: ['in_tok'],
  output: ['out_tok'],
  timeUnit: 's',
  header: 't,in_tok,out_tok',
});
