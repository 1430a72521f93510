/** Structured logs: one JSON line per event, always with the ids it is about. */
import { pino } from 'pino';

export type LogFields = Readonly<Record<string, unknown>>;

/** What the rest of the code sees of the logger. Messages are in the past tense. */
export type Logger = {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
};

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Writes JSON lines to `write` (default: standard error, so that standard output stays free for answers). */
export function jsonLogger(options: { level: LogLevel; write?: (line: string) => void }): Logger {
  const destination = { write: options.write ?? ((line: string) => void process.stderr.write(line)) };
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    destination,
  );
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  };
}

const nothing = (): void => {};

/** Logs nowhere. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
