/** Work that takes a GPU alone, such as image generation: seconds, and the run time of each request. */
import { csvRequests } from './csv-requests.ts';

export const image = csvRequests({
  name: 'image',
  time: ['t', 'timestamp', 'time', 't_s', 't_ms'],
  exec: ['exec_s', 'exec_sec', 'gpu_seconds'],
  header: 't,exec_s',
});
