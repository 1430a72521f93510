/** `penstock`: the program around its commands (`commands/`, a file each). What a command needs is loaded only when it runs. */
import { Command } from 'commander';
import { PenstockError, messageOf } from '../base/errors.ts';
import { quietAwsSdk } from '../hosts/config.ts';
import { addBridgeCommand } from './commands/bridge.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addHandbackCommand } from './commands/handback.ts';
import { addHandoverCommand } from './commands/handover.ts';
import { addPauseCommand } from './commands/pause.ts';
import { addRecordCommand } from './commands/record.ts';
import { addResumeCommand } from './commands/resume.ts';
import { addRunCommand } from './commands/run.ts';
import { addSimulateCommand } from './commands/simulate.ts';
import { addStatusCommand } from './commands/status.ts';
import { addValidateCommand } from './commands/validate.ts';

/** 0 done, 1 failed while running, 2 wrong usage or configuration. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Longest time from an error to the end of the process [ms]. */
const END_MS_MAX = 5_000;

const VERSION = '0.1.0';

const program = new Command('penstock')
  .description('Autoscaling on event streams: one plan for model replicas and GPU nodes.')
  .version(VERSION)
  .showHelpAfterError('(penstock --help shows every command)')
  // Before the first command: commands copy it when they are made.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE))
  .configureHelp({ sortSubcommands: false })
  .addHelpText(
    'after',
    `
Examples:
  penstock demo                          the whole loop on this machine, nothing to prepare
  penstock validate infra/policies       check policies before they are deployed
  penstock run                           the controller as one process
  penstock bridge                        publish the load of servers that only have /metrics
  penstock status --watch                what it sees and wants, every two seconds
  penstock explain llama-8b-chat         why it wants what it wants

Settings come from PENSTOCK_… variables: see docs/configuration.md.
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.`,
  );

/** In the order of the help. */
const COMMANDS = [
  addRunCommand,
  addBridgeCommand,
  addDemoCommand,
  addSimulateCommand,
  addRecordCommand,
  addValidateCommand,
  addStatusCommand,
  addExplainCommand,
  addPauseCommand,
  addResumeCommand,
  addHandoverCommand,
  addHandbackCommand,
];
for (const addCommand of COMMANDS) addCommand(program);

/** Says what went wrong and with which exit code: as text, or as JSON where JSON was asked for. Standard output stays clean. */
function fail(error: unknown): void {
  const isConfig = error instanceof PenstockError && error.code === 'config';
  // Problems of a configuration come one a line.
  const text = isConfig ? error.message : messageOf(error);
  const code = error instanceof PenstockError ? error.code : 'failed';
  process.stderr.write(`${isJsonWanted ? JSON.stringify({ error: text, code }) : text}\n`);
  process.exitCode = isConfig ? EXIT_USAGE : EXIT_FAILED;
  // A connection that will not close must not keep a failed process alive: whoever supervises it would never start it again.
  setTimeout(() => process.exit(), END_MS_MAX).unref();
}

/** When nobody reads any more (`| head`): stop as at Ctrl-C, or end at once where there is nothing to stop. */
function stopWhenUnread(stream: NodeJS.WriteStream): void {
  stream.once('error', () => {
    // Every further line fails too.
    stream.on('error', () => {});
    if (!process.emit('SIGTERM')) process.exit(EXIT_FAILED);
  });
}

// Whoever misspelt an option of a command wants that command's help.
for (const command of program.commands)
  command.showHelpAfterError(`(penstock ${command.name()} --help shows how it is called)`);
quietAwsSdk();
let isJsonWanted = false;
program.hook('preAction', (_program, command) => {
  isJsonWanted = command.opts<{ json?: unknown }>().json === true;
});
stopWhenUnread(process.stdout);
stopWhenUnread(process.stderr);
await program.parseAsync().catch(fail);
