/** Every policy source by its kind. */
import type { PolicySource } from './contract.ts';
import { createFilesPolicySource } from './files.ts';
import { createMemoryPolicySource } from './memory.ts';

export const policySources = {
  files: createFilesPolicySource,
  memory: createMemoryPolicySource,
} satisfies Record<string, (options: never) => PolicySource>;
