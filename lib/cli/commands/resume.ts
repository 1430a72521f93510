/** The command `penstock resume`: the end of a pause. */
import type { Command } from 'commander';

/** Adds the command with its options and examples to `program`. */
export function addResumeCommand(program: Command): void {
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
      const { resumeCommand } = await import('../pause.ts');
      await resumeCommand(workload, { ...options, all: options.all === true });
    });
}
