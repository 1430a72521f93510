/** The command `penstock bridge`: the load of servers that only have `/metrics`. */
import type { Command } from 'commander';

/** Adds the command with its options and examples to `program`. */
export function addBridgeCommand(program: Command): void {
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
      const { bridgeCommand } = await import('../bridge.ts');
      await bridgeCommand();
    });
}
