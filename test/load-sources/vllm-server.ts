/** A server that answers `/metrics` as vLLM does, and misbehaves when told to. */
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What vLLM would have measured so far, for one engine. */
export type VllmFigures = {
  running: number;
  waiting: number;
  stopped: number;
  truncated: number;
  aborted: number;
  failed: number;
  inputTokens: number;
  outputTokens: number;
  kvCacheRatio: number;
  /** Observations up to 0.1, 0.5, 1 s, and all. */
  ttft: readonly [number, number, number, number];
  startSec: number | null;
};

export type VllmServer = {
  readonly url: string;
  /** `HOST:PORT`. */
  readonly address: string;
  /** Change them as the server works. */
  readonly figures: VllmFigures;
  /** `drip`: a byte now and then, without an end. `huge`: more than any server writes. */
  behave(how: 'well' | 'hang' | 'drip' | 'huge' | 'fail' | { readonly page: string }): void;
  readonly requests: () => number;
  close(): Promise<void>;
};

/** Between two bytes of a dripping answer [ms]. */
const DRIP_MS = 20;

export async function startVllmServer(): Promise<VllmServer> {
  const figures = idleFigures();
  let behaviour: Parameters<VllmServer['behave']>[0] = 'well';
  let requests = 0;
  const drips = new Set<NodeJS.Timeout>();
  const server = createServer((_request, response) => {
    requests++;
    if (behaviour === 'hang') return;
    response.writeHead(behaviour === 'fail' ? 500 : 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    });
    if (behaviour === 'drip') drips.add(setInterval(() => response.write('#'), DRIP_MS));
    else if (behaviour === 'huge') writeForEver(response);
    else response.end(typeof behaviour === 'object' ? behaviour.page : vllmPage(figures));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${address}/metrics`,
    address,
    figures,
    behave: (how) => {
      behaviour = how;
    },
    requests: () => requests,
    close: async () => {
      for (const drip of drips) clearInterval(drip);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function writeForEver(response: ServerResponse): void {
  const line = `${'vllm:num_requests_running{engine="0"} 1 '.repeat(1_000)}\n`;
  const more = (): void => {
    while (!response.destroyed && response.write(line));
  };
  response.on('drain', more);
  more();
}

export function idleFigures(): VllmFigures {
  return {
    running: 0,
    waiting: 0,
    stopped: 0,
    truncated: 0,
    aborted: 0,
    failed: 0,
    inputTokens: 0,
    outputTokens: 0,
    kvCacheRatio: 0,
    ttft: [0, 0, 0, 0],
    startSec: null,
  };
}

/** The page of vLLM 0.33, shortened to the families around those that are read. */
export function vllmPage(figures: VllmFigures): string {
  const labels = 'engine="0",model_name="meta-llama/Llama-3.1-8B-Instruct"';
  const reasons = { stop: figures.stopped, length: figures.truncated, abort: figures.aborted, error: figures.failed };
  const bounds = ['0.1', '0.5', '1.0', '+Inf'];
  return [
    '# HELP python_gc_objects_collected_total Objects collected during gc',
    '# TYPE python_gc_objects_collected_total counter',
    'python_gc_objects_collected_total{generation="0"} 12233.0',
    ...(figures.startSec === null ? [] : [`process_start_time_seconds ${figures.startSec}`]),
    '# HELP vllm:num_requests_running Number of requests in model execution batches.',
    '# TYPE vllm:num_requests_running gauge',
    `vllm:num_requests_running{${labels}} ${figures.running}`,
    '# TYPE vllm:num_requests_waiting gauge',
    `vllm:num_requests_waiting{${labels}} ${figures.waiting}`,
    '# TYPE vllm:num_requests_waiting_by_reason gauge',
    `vllm:num_requests_waiting_by_reason{${labels},reason="capacity"} ${figures.waiting}`,
    '# TYPE vllm:kv_cache_usage_perc gauge',
    `vllm:kv_cache_usage_perc{${labels}} ${figures.kvCacheRatio}`,
    '# TYPE vllm:prompt_tokens_total counter',
    `vllm:prompt_tokens_total{${labels}} ${figures.inputTokens}`,
    '# TYPE vllm:prompt_tokens_created gauge',
    `vllm:prompt_tokens_created{${labels}} 1.7639208e+09`,
    '# TYPE vllm:generation_tokens_total counter',
    `vllm:generation_tokens_total{${labels}} ${figures.outputTokens}`,
    '# TYPE vllm:request_success_total counter',
    ...Object.entries(reasons).map(
      ([reason, count]) =>
        `vllm:request_success_total{engine="0",finished_reason="${reason}",${labels.slice(11)}} ${count}`,
    ),
    '# TYPE vllm:iteration_tokens_total histogram',
    `vllm:iteration_tokens_total_bucket{${labels},le="1.0"} 99.0`,
    '# TYPE vllm:time_to_first_token_seconds histogram',
    ...figures.ttft.map(
      (count, at) => `vllm:time_to_first_token_seconds_bucket{${labels},le="${bounds[at] ?? ''}"} ${count}`,
    ),
    `vllm:time_to_first_token_seconds_count{${labels}} ${figures.ttft[3]}`,
    '',
  ].join('\n');
}
