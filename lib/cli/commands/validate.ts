/** The command `penstock validate`: policy files, checked. */
import type { Command } from 'commander';

/** Adds the command with its options and examples to `program`. */
export function addValidateCommand(program: Command): void {
  program
    .command('validate')
    .description('check policy files; lists every problem with its file and line')
    .argument('<path...>', 'files or folders')
    .option('--json', 'problems as JSON')
    .addHelpText(
      'after',
      `
Example:
  penstock validate infra/policies my-policy.yaml`,
    )
    .action(async (paths: string[], options: { json?: boolean }) => {
      const { validate } = await import('../validate.ts');
      const answer = await validate(paths, { json: options.json === true });
      (answer.exitCode === 0 || options.json === true ? process.stdout : process.stderr).write(`${answer.text}\n`);
      process.exitCode = answer.exitCode;
    });
}
