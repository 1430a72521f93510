/** Servers named in the policy. */
import type { ScalingPolicy } from '../core/policy.ts';
import type { Endpoint, EndpointDiscovery } from './contract.ts';

/** The `endpoints` of a bridge block: `host:port`, or `host` with the block's port. Each is the source `pod/HOST:PORT`. */
export function staticEndpoints(bridge: NonNullable<ScalingPolicy['spec']['bridge']>): EndpointDiscovery {
  const endpoints = [...new Set(bridge.endpoints ?? [])].map((text) => endpointOf(text, bridge));
  return { list: async () => endpoints };
}

function endpointOf(text: string, { port, path }: { readonly port: number; readonly path: string }): Endpoint {
  const hasPort = /^(\[[^\]]*\]|[^:]*):\d+$/.test(text);
  const host = hasPort ? text : `${text.includes(':') && !text.startsWith('[') ? `[${text}]` : text}:${port}`;
  return { source: `pod/${host}`, url: `http://${host}${path}` };
}
