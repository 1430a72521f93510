/** Versions that our own writes made: what a view of the cluster must have reached before anything is decided by it. */
import { recordOf, textOf } from '../json-values.ts';

/** A kind of object as its path names it, without namespace: `/apis/apps/v1/deployments`. */
export type CollectionRef = { readonly path: string; readonly namespace: string | null };

export type OwnWrites = {
  /** Told of every request that was answered well. */
  note(request: { readonly method: string; readonly url: string }, answer: unknown): void;
  /** The newest version that a write of ours made there (`namespace: null`: anywhere); undefined when we wrote nothing. */
  newest(of: CollectionRef): string | undefined;
  /** What was written there up to this version is gone from the store. */
  forget(of: CollectionRef, upTo: string): void;
};

/** Kinds and namespaces remembered: those of the policies, so a few hundred at most. The oldest is forgotten first. */
const KEPT_MAX = 10_000;

const OBJECT_PATH = /(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)\/(?:namespaces\/([^/]+)\/)?([^/]+)\/[^/]+(?:\/[^/]+)?$/;

/** Nothing is written yet. */
export function ownWrites(): OwnWrites {
  const byKind = new Map<string, Map<string, string>>();
  return {
    note: ({ method, url }, answer) => {
      if (method === 'GET') return;
      const version = textOf(recordOf(recordOf(answer)['metadata'])['resourceVersion']);
      const [, api, namespace = '', plural] = OBJECT_PATH.exec(new URL(url).pathname) ?? [];
      if (version === '' || api === undefined || plural === undefined) return;
      const kind = byKind.get(`${api}/${plural}`) ?? new Map<string, string>();
      byKind.set(`${api}/${plural}`, kind);
      if (isNewer(version, kind.get(namespace))) kind.set(namespace, version);
      const [oldest] = kind.keys();
      if (kind.size > KEPT_MAX && oldest !== undefined) kind.delete(oldest);
    },
    newest: ({ path, namespace }) => {
      const kind = byKind.get(path);
      if (kind === undefined || namespace !== null) return kind?.get(namespace ?? '');
      return [...kind.values()].reduce((newest, one) => (isNewer(one, newest) ? one : newest), '0');
    },
    forget: ({ path, namespace }, upTo) => {
      const kind = byKind.get(path) ?? new Map<string, string>();
      for (const [one, version] of kind) {
        if ((namespace === null || one === namespace) && !isNewer(version, upTo)) kind.delete(one);
      }
    },
  };
}

/**
 * Whether version `a` of a kind came after `b`. Versions are decimal integers of any length and are compared as such (KEP-5504, since Kubernetes 1.35 a
 * promise); of others nothing is known: false.
 */
export function isNewer(a: string, b: string | undefined): boolean {
  if (!/^\d+$/.test(a)) return false;
  if (b === undefined) return true;
  if (!/^\d+$/.test(b)) return false;
  return a.length === b.length ? a > b : a.length > b.length;
}
