/** The command `penstock demo`: a day of traffic on this machine. */
import { type Command, Option } from 'commander';
import type { DemoOptions } from '../demo/command.ts';
import { integerBetween } from './numbers.ts';

/** In a shorter day the burst is over before anybody has to be called, and the demo would end as a failure. */
const DURATION_SEC_MIN = 40;

/** Adds the command with its options and examples to `program`. */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description(
      'play a day of inference traffic on real Kafka and Redis, and on a simulated cluster or a real control plane',
    )
    .option('--duration <seconds>', 'how long the day takes', integerBetween(DURATION_SEC_MIN, 3_600), 120)
    .addOption(
      new Option('--cluster <kind>', 'a simulated cluster, or a real Kubernetes control plane, built the first time')
        .choices(['simulated', 'real'])
        .default('simulated'),
    )
    .option('--report <file>', 'write what was measured as JSON, and leave out the replay at the end')
    .option('--kafka <brokers>', 'use these brokers instead of starting one (host:port,…)')
    .option('--redis <url>', 'use this Redis instead of starting one (redis://…)')
    .option('--plain', 'lines of text instead of the live view')
    .option('--json', 'the report on standard output, everything else on standard error')
    .addHelpText(
      'after',
      `
Examples:
  penstock demo --duration 60 --report report.json
  penstock demo --cluster real
Exit codes: 0 everything it promises is true, 1 something is not or could not be had, 130 after Ctrl-C.`,
    )
    .action(async (options: DemoOptions) => {
      const { demoCommand } = await import('../demo/command.ts');
      process.exitCode = await demoCommand(options);
    });
}
