/** The command `penstock record`: a topic, written as traces. */
import type { Command } from 'commander';
import { integerBetween } from './numbers.ts';

/** Adds the command with its options and examples to `program`. */
export function addRecordCommand(program: Command): void {
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
        const { recordCommand } = await import('../record.ts');
        const { interval, lookback, ...rest } = options;
        process.exitCode = await recordCommand({ ...rest, intervalSec: interval, lookbackSec: lookback });
      },
    );
}
