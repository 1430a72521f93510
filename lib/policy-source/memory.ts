/** Policies as plain documents in memory: for tests and the simulator. */
import type { PolicySource } from './contract.ts';
import { keepLastGood } from './last-good.ts';
import { loadPolicyDocuments } from './policy-set.ts';

export type MemoryPolicySource = PolicySource & {
  /** What the next `refresh` sees. */
  replace(documents: readonly unknown[]): void;
};

/** Documents are named `memory/INDEX` in problems and have no lines. */
export function createMemoryPolicySource(options: { readonly documents: readonly unknown[] }): MemoryPolicySource {
  let { documents } = options;
  let isNew = true;
  const source = keepLastGood(async () => {
    if (!isNew) return null;
    isNew = false;
    return loadPolicyDocuments(documents.map((data, index) => ({ file: `memory/${index}`, data, lineOf: () => null })));
  });
  return {
    ...source,
    replace: (next) => {
      documents = next;
      isNew = true;
    },
  };
}
