/** Mooncake's traces: one JSON object per line, milliseconds since the start. Hashes of cached blocks are passed over: no cache is modelled. */
import type { RequestFormat, RequestRow } from './contract.ts';
import { problem, tokensOf } from './csv.ts';

const EXPECTED = 'a line such as {"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}';

export const mooncake: RequestFormat = {
  kind: 'requests',
  name: 'mooncake',
  expected: EXPECTED,
  detect: (firstLine) => typeof parse(firstLine) === 'object',
  open: () => ({ headerLines: 0, parse }),
};

function parse(line: string): RequestRow | string {
  const fields = fieldsOf(line);
  if (fields === null) return problem(EXPECTED, line);
  const [timeMs, inputTokens, outputTokens] = [
    fields['timestamp'],
    tokens(fields['input_length']),
    tokens(fields['output_length']),
  ];
  if (typeof timeMs !== 'number' || timeMs < 0) return problem('timestamp in ms', fields['timestamp']);
  if (Number.isNaN(inputTokens)) return problem('input_length, a whole number of tokens', fields['input_length']);
  if (Number.isNaN(outputTokens)) return problem('output_length, a whole number of tokens', fields['output_length']);
  return { timeMs, inputTokens, outputTokens };
}

function fieldsOf(line: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function tokens(value: unknown): number {
  return typeof value === 'number' ? tokensOf(String(value)) : NaN;
}
