/** The command `penstock explain`: why a count is what it is. */
import { type Command, Option } from 'commander';
import { integerBetween } from './numbers.ts';

/** Adds the command with its options and examples to `program`. */
export function addExplainCommand(program: Command): void {
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
      const { explainCommand } = await import('../explain/explain.ts');
      process.exitCode = await explainCommand(subject, { last: options.last, json: options.json === true });
    });
}
