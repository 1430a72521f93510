/** BurstGPT: seconds since the start of the collection; newer files have a session and an elapsed time, too. A request that failed has no response tokens. */
import { csvRequests } from './csv-requests.ts';

export const burstGpt = csvRequests({
  name: 'burstgpt',
  time: ['timestamp'],
  input: ['request tokens'],
  output: ['response tokens'],
  timeUnit: 's',
  header: 'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type',
});
