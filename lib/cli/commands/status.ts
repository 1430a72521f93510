/** The command `penstock status`: what the controller sees and wants. */
import type { Command } from 'commander';

/** Adds the command with its options and examples to `program`. */
export function addStatusCommand(program: Command): void {
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
      const { statusCommand } = await import('../status/status.ts');
      await statusCommand({ watch: options.watch === true, json: options.json === true });
    });
}
