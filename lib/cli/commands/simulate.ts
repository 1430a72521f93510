/** The command `penstock simulate`: a trace, replayed. */
import { type Command, Option } from 'commander';
import type { SimulateOptions } from '../simulate/options.ts';
import { integerBetween, numberAbove, numberBetween } from './numbers.ts';

/** Ray Serve looks at the last 30 s: with fewer samples than that it would see none, and never scale. */
const TICK_SEC_MAX = 30;

/** Adds the command with its options and examples to `program`. */
export function addSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('replay a trace: what Penstock would have cost and missed, beside its peers and the optimum')
    .requiredOption('--trace <file>', 'the trace, gzip too (docs/replay-traces.md)')
    .option('--format <name>', 'auto, azure-llm, burstgpt, mooncake, servegen, requests, rate, image', 'auto')
    .option('--policy <file>', 'a ScalingPolicy to replay; a plain one when left out')
    .option('--against <names>', 'peers: all, none, or names with commas', 'hpa,keda,knative')
    .option('--sweep-risk', 'Penstock at each setting of risk: what fewer misses cost')
    .option('--tune-peers', 'each peer also with its best setting for this very trace, in hindsight')
    .option('--replica-class <name>', 'A to G (docs/replay.md); B, or G for image traces, when left out')
    .option('--lead-time <seconds>', 'from asked for to ready: seconds, or standby, warm, tuned, large, cold', '180')
    .option('--lead-time-sigma <sigma>', 'lognormal spread of the lead time, such as 0.3', numberBetween(0, 3), 0)
    .option(
      '--capacity-wait <wait>',
      'for a machine, per start: none, recorded, recorded-uncut, or P50/P95 seconds',
      'none',
    )
    .option('--failed-starts <ratio>', 'share of the starts that fail and are repeated', numberBetween(0, 0.95), 0)
    .addOption(
      new Option('--peer-nodes <name>', "whose delay comes before the peers' lead time, and how long empty nodes stay")
        .choices(['none', 'cluster-autoscaler', 'karpenter'])
        .default('none'),
    )
    .option(
      '--warm-start <seconds>',
      'of the lead time, on a node that is there (with --peer-nodes)',
      numberBetween(0, 86_400),
    )
    .option('--slo-wait <seconds>', 'longest wait of a request for its admission', numberAbove(0), 10)
    .option('--scale <factor>', 'times the traffic', numberAbove(0), 1)
    .option('--overlay <copies>', 'of recorded requests at once, shifted by random hours', integerBetween(1, 100), 1)
    .option(
      '--tick <seconds>',
      'between samples; 5, or half of the SLO wait when that is less',
      integerBetween(1, TICK_SEC_MAX),
    )
    .option('--seed <number>', 'of everything drawn', integerBetween(0, 2 ** 31), 1)
    .addOption(
      new Option('--engine <name>', 'fluid for weeks (default), requests for hours and for image traces').choices([
        'fluid',
        'requests',
      ]),
    )
    .option('--from <time>', 'start of the cut: seconds, or an ISO time')
    .option('--to <time>', 'end of the cut')
    .option('--warmup <seconds>', 'history that is not scored', numberAbove(-1), 0)
    .option('--lengths <file>', 'a trace of requests whose lengths a rate series borrows')
    .option('--max-replicas <count>', 'limit of every policy', integerBetween(1, 10_000))
    .option('--time-column <name>', 'when it is not recognised')
    .option('--rate-column <name>', 'when it is not recognised')
    .addOption(
      new Option('--time-unit <unit>', 'of the time column').choices(['iso', 'ns', 'us', 'ms', 's', 'min', 'h']),
    )
    .addOption(new Option('--rate-unit <unit>', 'of the rate column').choices(['s', 'min', 'h', 'interval']))
    .option('--skip-bad-lines', 'count them instead of stopping at the first')
    .option('--json <file>', 'the figures as JSON')
    .option('--html <file>', 'one page with plots, works offline')
    .option('--fail-if <condition...>', "exit code 1 when it holds for Penstock, such as 'sloAttainmentRatio<0.999'")
    .addHelpText(
      'after',
      `
Examples:
  penstock simulate --trace requests.csv.gz --lead-time 180 --against all --html report.html
  penstock simulate --trace week.csv --policy llama.yaml --fail-if 'sloAttainmentRatio<0.999'`,
    )
    .action(async (options: Omit<SimulateOptions, 'version'>) => {
      const { simulateCommand } = await import('../simulate/simulate.ts');
      process.exitCode = await simulateCommand({ ...options, version: program.version() ?? '' });
    });
}
