/** The load sources there are, by kind, and what makes them of a policy. */
import { brokerLag } from './broker-lag.ts';
import type { LoadSource } from './contract.ts';
import { memoryLoadSource } from './memory.ts';
import { prometheusScrape } from './prometheus-scrape.ts';

export { policySources } from './policy-sources.ts';
export { presets } from './presets/index.ts';
export { watchedPods } from './watched-pods.ts';

export const loadSources = {
  prometheusScrape,
  brokerLag,
  memory: memoryLoadSource,
} satisfies Record<string, (options: never) => LoadSource>;
