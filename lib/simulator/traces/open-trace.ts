/** From a file to a trace. */
import { ConfigError } from '../../base/errors.ts';
import { fileSource } from './bytes.ts';
import type { Trace, TraceFormat, TraceOptions, TraceSource } from './contract.ts';
import { problem } from './csv.ts';
import { detectFormat, traceFormats } from './index.ts';
import { readRateSeries } from './rate-trace.ts';
import { requestReader } from './request-trace.ts';
import { firstLineOf } from './rows.ts';

/**
 * Opens a trace. Of requests only the first line is read now; a rate series is read whole. Throws ConfigError when the file cannot be read, its format
 * is not recognised or its first line is not what the format needs; for a rate series also for what `readRateSeries` refuses.
 */
export async function openTrace(from: string | TraceSource, options: TraceOptions = {}): Promise<Trace> {
  const source = typeof from === 'string' ? fileSource(from) : from;
  const firstLine = await firstLineOf(source);
  const format = formatOf(firstLine, { source, options });
  const opened = format.open(firstLine, options);
  if (typeof opened === 'string')
    throw new ConfigError(`Cannot read trace "${source.name}" as ${format.name}: ${opened}`);
  const base = { name: source.name, format: format.name, options, source };
  if (format.kind === 'rate') {
    const { series, counts } = await readRateSeries(source, { format, options });
    return { ...base, kind: 'rate', series, counts: () => counts };
  }
  const reader = requestReader(source, { format, options });
  return { ...base, kind: 'requests', batches: () => reader.batches(), counts: () => reader.counts() };
}

function formatOf(firstLine: string, { source, options }: { source: TraceSource; options: TraceOptions }): TraceFormat {
  const formats: ReadonlyMap<string, TraceFormat> = new Map(Object.entries(traceFormats));
  if (options.format === undefined || options.format === 'auto') {
    const found = detectFormat([firstLine], options);
    if (found !== null) return found;
    const known = Array.from(formats.values(), ({ name, expected }) => `  ${name}: ${expected}`).join('\n');
    throw new ConfigError(
      `Cannot recognise the format of trace "${source.name}": ${problem('one of those below', firstLine)}\n${known}`,
    );
  }
  const named = formats.get(options.format);
  if (named !== undefined) return named;
  throw new ConfigError(
    `Cannot read trace "${source.name}": ${problem(`a format among auto, ${[...formats.keys()].join(', ')}`, options.format)}`,
  );
}
