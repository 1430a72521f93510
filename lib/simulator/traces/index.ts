/** Trace formats by name, in the order in which `auto` asks: a format of exact names before one of usual names. */
import { azureLlm } from './azure-llm.ts';
import { burstGpt } from './burstgpt.ts';
import type { ColumnOptions, TraceFormat } from './contract.ts';
import { image } from './image.ts';
import { mooncake } from './mooncake.ts';
import { rate } from './rate.ts';
import { requests } from './requests.ts';
import { serveGen } from './servegen.ts';

export const traceFormats = {
  mooncake,
  'azure-llm': azureLlm,
  burstgpt: burstGpt,
  servegen: serveGen,
  image,
  requests,
  rate,
} satisfies Record<string, TraceFormat>;

/** The format of a file that begins with these lines; null when none is recognised. A rate column named by option makes it a rate series. */
export function detectFormat(firstLines: readonly string[], options: ColumnOptions = {}): TraceFormat | null {
  const first = firstLines.find((line) => line.trim() !== '') ?? '';
  const formats: TraceFormat[] = options.rateColumn === undefined ? Object.values(traceFormats) : [rate];
  return formats.find((format) => format.detect(first, options)) ?? null;
}
