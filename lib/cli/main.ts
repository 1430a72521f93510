/** `penstock`: every command with its options and examples. What a command needs is loaded only when it runs. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { PenstockError, messageOf } from '../base/errors.ts';
import { quietAwsSdk } from '../hosts/config.ts';
import type { DemoOptions } from './demo/command.ts';
import type { SimulateOptions } from './simulate.ts';

/** 0 done, 1 failed while running, 2 wrong usage or configuration. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Longest time from an error to the end of the process [ms]. */
const END_MS_MAX = 5_000;

const VERSION = '0.1.0';

const program = new Command('penstock')
  .description('Autoscaling on event streams: one plan for model replicas and GPU nodes.')
  .version(VERSION)
  .showHelpAfterError('(penstock --help shows every command)')
  // Before the first command: commands copy it when they are made.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE))
  .configureHelp({ sortSubcommands: false })
  .addHelpText(
    'after',
    `
Examples:
  penstock demo                          the whole loop on this machine, nothing to prepare
  penstock validate infra/policies       check policies before they are deployed
  penstock run                           the controller as one process
  penstock bridge                        publish the load of servers that only have /metrics
  penstock status --watch                what it sees and wants, every two seconds
  penstock explain llama-8b-chat         why it wants what it wants

Settings come from PENSTOCK_… variables: see docs/configuration.md.
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.`,
  );

program
  .command('run')
  .description('run the controller: consume events, decide, resize, alert (until SIGTERM or Ctrl-C)')
  .addHelpText(
    'after',
    `
Example:
  PENSTOCK_KAFKA_BROKERS=kafka:9092 PENSTOCK_REDIS_URL=redis://redis:6379 KUBECONFIG=~/.kube/config \\
  PENSTOCK_POLICIES=policies/ penstock run`,
  )
  .action(async () => {
    const { runCommand } = await import('./run.ts');
    await runCommand();
  });

program
  .command('bridge')
  .description('scrape the /metrics of model servers and publish inference-load events (until SIGTERM or Ctrl-C)')
  .addHelpText(
    'after',
    `
Which pods are scraped, and how, is in each policy (spec.bridge).
Example:
  PENSTOCK_KAFKA_BROKERS=kafka:9092 PENSTOCK_POLICIES=policies/ penstock bridge`,
  )
  .action(async () => {
    const { bridgeCommand } = await import('./bridge.ts');
    await bridgeCommand();
  });

program
  .command('demo')
  .description(
    'play a day of inference traffic on real Kafka and Redis, and on a simulated cluster or a real control plane',
  )
  .option('--duration <seconds>', 'how long the day takes', integerBetween(20, 3_600), 120)
  .addOption(
    new Option('--cluster <kind>', 'a simulated cluster, or a real Kubernetes control plane, built the first time')
      .choices(['simulated', 'real'])
      .default('simulated'),
  )
  .option('--report <file>', 'write what was measured as JSON')
  .option('--kafka <brokers>', 'use these brokers instead of starting one (host:port,…)')
  .option('--redis <url>', 'use this Redis instead of starting one (redis://…)')
  .option('--plain', 'lines of text instead of the live view')
  .option('--json', 'the report on standard output, everything else on standard error')
  .addHelpText(
    'after',
    `
Example:
  penstock demo --duration 60 --report report.json
  penstock demo --cluster real`,
  )
  .action(async (options: DemoOptions) => {
    const { demoCommand } = await import('./demo/command.ts');
    process.exitCode = await demoCommand(options);
  });

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
  .option('--tick <seconds>', 'between samples; 5, or half of the SLO wait when that is less', integerBetween(1, 60))
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
  .addOption(new Option('--time-unit <unit>', 'of the time column').choices(['iso', 'ns', 'us', 'ms', 's', 'min', 'h']))
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
    const { simulateCommand } = await import('./simulate.ts');
    process.exitCode = await simulateCommand({ ...options, version: VERSION });
  });

program
  .command('record')
  .description('write the rates and lengths of a topic of inference-load events as traces for simulate')
  .requiredOption('--out <folder>', 'one CSV per workload')
  .requiredOption('--seconds <seconds>', 'how long to listen', integerBetween(1, 31 * 86_400))
  .option('--topic <name>', 'default: the configured one')
  .option('--workload <name>', 'only this one')
  .option('--interval <seconds>', 'length of an interval', integerBetween(1, 3_600), 10)
  .option('--lookback <seconds>', 'begin so far in the past', integerBetween(0, 31 * 86_400), 0)
  .option('--group <name>', 'consumer group; one of its own when left out')
  .addHelpText(
    'after',
    `
Example:
  PENSTOCK_KAFKA_BROKERS=kafka:9092 penstock record --out traces/ --seconds 3600 --lookback 86400`,
  )
  .action(
    async (options: {
      out: string;
      seconds: number;
      topic?: string;
      workload?: string;
      interval: number;
      lookback: number;
      group?: string;
    }) => {
      const { recordCommand } = await import('./record.ts');
      const { interval, lookback, ...rest } = options;
      process.exitCode = await recordCommand({ ...rest, intervalSec: interval, lookbackSec: lookback });
    },
  );

program
  .command('validate')
  .description('check policy files; lists every problem with its file and line')
  .argument('<path...>', 'files or folders')
  .option('--json', 'problems as JSON')
  .addHelpText(
    'after',
    `
Example:
  penstock validate infra/policies my-policy.yaml`,
  )
  .action(async (paths: string[], options: { json?: boolean }) => {
    const { validate } = await import('./validate.ts');
    const answer = await validate(paths, { json: options.json === true });
    (answer.exitCode === 0 || options.json === true ? process.stdout : process.stderr).write(`${answer.text}\n`);
    process.exitCode = answer.exitCode;
  });

program
  .command('status')
  .description('every workload and node group: load, counts, last decision, alerts')
  .option('--watch', 'again every two seconds')
  .option('--json', 'as JSON')
  .addHelpText(
    'after',
    `
Reads the same Redis as the controller, so it works beside Lambda too.
Example:
  PENSTOCK_REDIS_URL=redis://redis:6379 PENSTOCK_POLICIES=policies/ penstock status --watch`,
  )
  .action(async (options: { watch?: boolean; json?: boolean }) => {
    const { statusCommand } = await import('./status.ts');
    await statusCommand({ watch: options.watch === true, json: options.json === true });
  });

program
  .command('explain')
  .description(
    'why a workload has the count it has, why not more and why not less; or what a recorded decision rested on',
  )
  .argument('<workload|decision>', 'workload id, or decision id (d_…)')
  .addOption(
    new Option('--last <count>', 'the last decisions of the workload').argParser(integerBetween(1, 100)).default(1),
  )
  .option('--json', 'as JSON')
  .addHelpText(
    'after',
    `
Examples:
  penstock explain llama-8b-chat --last 3
  penstock explain d_4f1c2ab09e77d310 --json`,
  )
  .action(async (subject: string, options: { last: number; json?: boolean }) => {
    const { explainCommand } = await import('./explain.ts');
    process.exitCode = await explainCommand(subject, { last: options.last, json: options.json === true });
  });

program
  .command('pause')
  .description('kill switch: nothing is resized, drained or ended any more, at once; decisions go on')
  .argument('[workload]', 'workload id')
  .option('--all', 'everything')
  .option('--node-group <name>', 'a node group')
  .option('--reason <text>', 'shown by status')
  .addHelpText(
    'after',
    `
Examples:
  PENSTOCK_REDIS_URL=redis://redis:6379 penstock pause --all --reason 'incident 4711'
  penstock pause llama-8b-chat`,
  )
  .action(async (workload: string | undefined, options: { all?: boolean; nodeGroup?: string; reason?: string }) => {
    const { pauseCommand } = await import('./pause.ts');
    await pauseCommand(workload, { ...options, all: options.all === true });
  });

program
  .command('resume')
  .description('lifts a pause; the next evaluation brings the work back')
  .argument('[workload]', 'workload id')
  .option('--all', 'the pause of everything (pauses of single workloads stay)')
  .option('--node-group <name>', 'a node group')
  .addHelpText(
    'after',
    `
Example:
  PENSTOCK_REDIS_URL=redis://redis:6379 penstock resume --all`,
  )
  .action(async (workload: string | undefined, options: { all?: boolean; nodeGroup?: string }) => {
    const { resumeCommand } = await import('./pause.ts');
    await resumeCommand(workload, { ...options, all: options.all === true });
  });

program
  .command('handover')
  .description('take a workload over from its HPA or ScaledObject: pauses that one, at the current count')
  .argument('<workload>', 'workload id')
  .option('--dry-run', 'say what would be done')
  .addHelpText(
    'after',
    `
Needs a kubeconfig that may change the other autoscaler (docs/handover.md). Safe to run again, also after it was interrupted.
Example:
  KUBECONFIG=~/.kube/config PENSTOCK_POLICIES=policies/ penstock handover llama-8b-chat --dry-run`,
  )
  .action(async (workload: string, options: { dryRun?: boolean }) => {
    const { handoverCommand } = await import('./handover.ts');
    await handoverCommand(workload, { dryRun: options.dryRun === true });
  });

program
  .command('handback')
  .description('give a workload back to the autoscaler it was taken from, never below its count')
  .argument('<workload>', 'workload id')
  .option('--lift-floor', 'its own minimum again, after it was given back')
  .option('--dry-run', 'say what would be done')
  .addHelpText(
    'after',
    `
Set the policy to mode observe first.
Examples:
  penstock handback llama-8b-chat
  penstock handback llama-8b-chat --lift-floor`,
  )
  .action(async (workload: string, options: { liftFloor?: boolean; dryRun?: boolean }) => {
    const { handbackCommand } = await import('./handover.ts');
    await handbackCommand(workload, { dryRun: options.dryRun === true, liftFloor: options.liftFloor === true });
  });

function numberAbove(limit: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value <= limit)
      throw new InvalidArgumentError(`expected a number above ${limit}.`);
    return value;
  };
}

function numberBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= min && value <= max))
      throw new InvalidArgumentError(`expected a number from ${min} to ${max}.`);
    return value;
  };
}

function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`expected an integer from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Says what went wrong and with which exit code: as text, or as JSON where JSON was asked for. Standard output stays clean. */
function fail(error: unknown): void {
  const isConfig = error instanceof PenstockError && error.code === 'config';
  // Problems of a configuration come one a line.
  const text = isConfig ? error.message : messageOf(error);
  const code = error instanceof PenstockError ? error.code : 'failed';
  process.stderr.write(`${isJsonWanted ? JSON.stringify({ error: text, code }) : text}\n`);
  process.exitCode = isConfig ? EXIT_USAGE : EXIT_FAILED;
  // A connection that will not close must not keep a failed process alive: whoever supervises it would never start it again.
  setTimeout(() => process.exit(), END_MS_MAX).unref();
}

/** When nobody reads any more (`| head`): stop as at Ctrl-C, or end at once where there is nothing to stop. */
function stopWhenUnread(stream: NodeJS.WriteStream): void {
  stream.once('error', () => {
    // Every further line fails too.
    stream.on('error', () => {});
    if (!process.emit('SIGTERM')) process.exit(EXIT_FAILED);
  });
}

// Whoever misspelt an option of a command wants that command's help.
for (const command of program.commands)
  command.showHelpAfterError(`(penstock ${command.name()} --help shows how it is called)`);
quietAwsSdk();
let isJsonWanted = false;
program.hook('preAction', (_program, command) => {
  isJsonWanted = command.opts<{ json?: unknown }>().json === true;
});
stopWhenUnread(process.stdout);
stopWhenUnread(process.stderr);
await program.parseAsync().catch(fail);
