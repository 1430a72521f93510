/** Fake model servers: every loaded pod of a scraped model answers `/metrics` at its own loopback address as vLLM does. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { readyPods } from './cluster/fleet.ts';
import type { FleetPod, FleetView } from './cluster/fleet.ts';
import type { ModelState } from './traffic.ts';

export type ModelServers = {
  /** Starts servers of new pods, ends those of pods that went, and hands the last step's work out evenly. */
  update(): void;
  close(): Promise<void>;
};

type PodServer = {
  readonly server: Server;
  running: number;
  waiting: number;
  completed: number;
  input: number;
  output: number;
};

/** `port`: where the bridge looks for `/metrics`. Pods have addresses in 127.0.0.0/8, which only Linux answers without set-up. */
export function startModelServers(options: {
  readonly fleet: FleetView;
  readonly models: readonly ModelState[];
  readonly port: number;
}): ModelServers {
  const scraped = options.models.filter((model) => model.scene.source === 'bridge');
  const servers = new Map<string, PodServer>();

  const updateModel = (model: ModelState): Set<string> => {
    const pods = readyPods(options.fleet, model.scene.name);
    for (const pod of pods) {
      const server = servers.get(pod.name) ?? startPod(pod, { model: model.scene.name, port: options.port });
      servers.set(pod.name, server);
      share(server, { model, pods: pods.length });
    }
    return new Set(pods.map((pod) => pod.name));
  };

  return {
    update: () => {
      const alive = new Set(scraped.flatMap((model) => [...updateModel(model)]));
      for (const [name, { server }] of servers) {
        if (alive.has(name)) continue;
        servers.delete(name);
        end(server);
      }
    },
    close: async () => {
      await Promise.all(
        [...servers.values()].map(
          ({ server }) => new Promise((resolve) => (server.once('close', resolve), end(server))),
        ),
      );
      servers.clear();
    },
  };
}

function end(server: Server): void {
  server.close();
  server.closeAllConnections();
}

function startPod(pod: FleetPod, options: { readonly model: string; readonly port: number }): PodServer {
  const state: Omit<PodServer, 'server'> = { running: 0, waiting: 0, completed: 0, input: 0, output: 0 };
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/metrics' ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(request.url === '/metrics' ? metricsText(state, options.model) : '');
  });
  // A pod that cannot listen is a pod that cannot be scraped: coverage falls, as in a real fleet.
  server.on('error', () => {});
  server.listen(options.port, pod.ip);
  return Object.assign(state, { server });
}

function share(pod: PodServer, of: { readonly model: ModelState; readonly pods: number }): void {
  const { last, scene } = of.model;
  pod.running = last.inFlight / of.pods;
  pod.waiting = last.queued / of.pods;
  pod.completed += last.completed / of.pods;
  pod.input += (last.started * scene.tokensPerRequest.input) / of.pods;
  pod.output += (last.completed * scene.tokensPerRequest.output) / of.pods;
}

/** The part of vLLM's exposition that the preset reads. */
function metricsText(pod: Omit<PodServer, 'server'>, model: string): string {
  const labels = `{engine="0",model_name="${model}"}`;
  const line = (name: string, kind: string, value: number): string =>
    `# TYPE ${name} ${kind}\n${name}${labels} ${value}\n`;
  return [
    line('vllm:num_requests_running', 'gauge', pod.running),
    line('vllm:num_requests_waiting', 'gauge', pod.waiting),
    line('vllm:kv_cache_usage_perc', 'gauge', Math.min(1, pod.running / 12)),
    line('vllm:prompt_tokens_total', 'counter', Math.floor(pod.input)),
    line('vllm:generation_tokens_total', 'counter', Math.floor(pod.output)),
    `# TYPE vllm:request_success_total counter\nvllm:request_success_total{engine="0",finished_reason="stop",model_name="${model}"} ${Math.floor(pod.completed)}\n`,
  ].join('');
}
