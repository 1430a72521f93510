/** /version, health and discovery: enough for clients that look before they ask. */
import type { ApiAnswer } from '../http.ts';
import { RESOURCES, apiVersionOf } from './resources.ts';

const VERSION = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0-simulator',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'go1.24.0',
  compiler: 'gc',
  platform: 'linux/amd64',
};

/** Paths that need no identity, as in a default installation. */
export const PUBLIC_PATHS: ReadonlySet<string> = new Set(['/version', '/readyz', '/livez', '/healthz']);

/** The answer of a discovery path; undefined for other paths. */
export function discover(path: string): ApiAnswer | undefined {
  if (path === '/version') return json(VERSION);
  if (PUBLIC_PATHS.has(path)) return { status: 200, body: 'ok', headers: { 'content-type': 'text/plain' } };
  if (path === '/api') return json({ kind: 'APIVersions', versions: ['v1'] });
  if (path === '/apis') return json({ kind: 'APIGroupList', apiVersion: 'v1', groups: groups() });
  const served = RESOURCES.filter((one) => path === (one.group === '' ? '/api/v1' : `/apis/${apiVersionOf(one)}`));
  const [first] = served;
  if (first === undefined) return undefined;
  const resources = served.map((one) => ({
    name: one.resource,
    singularName: '',
    namespaced: one.namespaced,
    kind: one.kind,
    verbs: one.verbs,
  }));
  return json({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf(first), resources });
}

function groups() {
  const names = new Set(RESOURCES.map((one) => one.group).filter((group) => group !== ''));
  return [...names].map((name) => {
    const version = RESOURCES.find((one) => one.group === name)?.version ?? 'v1';
    const preferred = { groupVersion: `${name}/${version}`, version };
    return { name, versions: [preferred], preferredVersion: preferred };
  });
}

function json(value: object): ApiAnswer {
  return { status: 200, body: JSON.stringify(value) };
}
