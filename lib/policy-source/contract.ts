/**
 * To add a policy source (say, a custom resource):
 * 1. implement {@link PolicySource} in a file of its own,
 * 2. name it in `index.ts`,
 * 3. run `test/conformance/policy-source.ts` against it.
 */
import type { PolicyProblem, PolicySet } from '../core/policy.ts';

export type PolicySource = {
  /** The policies in force: the last good version. Throws ConfigError, listing all problems, only when there never was a good one. */
  current(): Promise<PolicySet>;
  /** Looks for changes. A bad new version is reported here and the last good one stays in force. */
  refresh(): Promise<{ readonly changed: boolean; readonly problems: readonly PolicyProblem[] }>;
};
