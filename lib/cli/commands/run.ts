/** The command `penstock run`: the controller as one process. */
import type { Command } from 'commander';

/** Adds the command with its options and examples to `program`. */
export function addRunCommand(program: Command): void {
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
      const { runCommand } = await import('../run.ts');
      await runCommand();
    });
}
