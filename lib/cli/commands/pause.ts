/** The command `penstock pause`: the kill switch. */
import type { Command } from 'commander';

/** Adds the command with its options and examples to `program`. */
export function addPauseCommand(program: Command): void {
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
      const { pauseCommand } = await import('../pause.ts');
      await pauseCommand(workload, { ...options, all: options.all === true });
    });
}
