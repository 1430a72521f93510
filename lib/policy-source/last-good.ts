/** The last good version stays in force: the part every policy source shares. */
import { ConfigError } from '../base/errors.ts';
import type { PolicyProblem, PolicySet } from '../core/policy.ts';
import type { PolicySource } from './contract.ts';
import type { Loaded } from './policy-set.ts';
import { problemsText } from './problems.ts';

/** Makes a source of `load`, which gives null when nothing can have changed since it was called last. */
export function keepLastGood(load: () => Promise<Loaded | null>): PolicySource {
  let good: PolicySet | null = null;
  let problems: readonly PolicyProblem[] = [];
  const refresh: PolicySource['refresh'] = async () => {
    const loaded = await load();
    if (loaded === null) return { changed: false, problems };
    ({ problems } = loaded);
    if (loaded.policies === null || loaded.policies.version === good?.version) return { changed: false, problems };
    good = loaded.policies;
    return { changed: true, problems };
  };
  return {
    refresh,
    current: async () => {
      if (good === null) await refresh();
      if (good === null) throw new ConfigError(problemsText(problems));
      return good;
    },
  };
}
