/** The command `penstock handback`: a workload given back. */
import type { Command } from 'commander';

/** Adds the command with its options and examples to `program`. */
export function addHandbackCommand(program: Command): void {
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
      const { handbackCommand } = await import('../handover/handover.ts');
      await handbackCommand(workload, { dryRun: options.dryRun === true, liftFloor: options.liftFloor === true });
    });
}
