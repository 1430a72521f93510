/** The command `penstock handover`: a workload taken from its autoscaler. */
import type { Command } from 'commander';

/** Adds the command with its options and examples to `program`. */
export function addHandoverCommand(program: Command): void {
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
      const { handoverCommand } = await import('../handover/handover.ts');
      await handoverCommand(workload, { dryRun: options.dryRun === true });
    });
}
