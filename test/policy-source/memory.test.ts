/** Policies in memory. */
import { describe } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { createMemoryPolicySource } from '../../lib/policy-source/memory.ts';
import { policySourceConformance } from '../conformance/policy-source.ts';

function documentsOf(texts: Readonly<Record<string, string>>): unknown[] {
  return Object.values(texts).flatMap((text) =>
    [...parseAllDocuments(text)].map((document): unknown => document.toJS()),
  );
}

describe('memory policy source', () => {
  policySourceConformance(async (texts) => {
    const source = createMemoryPolicySource({ documents: documentsOf(texts) });
    return {
      source,
      write: async (next) => source.replace(documentsOf(next)),
      dispose: async () => {},
    };
  });
});
