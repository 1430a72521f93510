/** Reads the controller's `/status` and `/metrics` as any operator could. */
import type { StatusView } from '../../../loop/status.ts';

export type ControllerView = { readonly status: StatusView; readonly metrics: ReadonlyMap<string, number> };

const TIMEOUT_MS = 3_000;

/** Undefined while it does not answer. */
export async function readController(url: string): Promise<ControllerView | undefined> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const [status, metrics] = await Promise.all([
      fetch(`${url}/status`, { signal }),
      fetch(`${url}/metrics`, { signal }),
    ]);
    if (!status.ok || !metrics.ok) return undefined;
    return { status: (await status.json()) as StatusView, metrics: parseMetrics(await metrics.text()) };
  } catch {
    return undefined;
  }
}

/** `name{labels} value` lines as a map from all before the value to the value. */
export function parseMetrics(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const space = line.lastIndexOf(' ');
    if (space > 0) values.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return values;
}

/** Sum of a metric over all its labels; 0 when it was never counted. */
export function sumOf(metrics: ReadonlyMap<string, number>, name: string): number {
  let sum = 0;
  for (const [key, value] of metrics) if (key === name || key.startsWith(`${name}{`)) sum += value;
  return sum;
}

/** A quantile of a summary, undefined when nothing was observed. */
export function quantileOf(metrics: ReadonlyMap<string, number>, name: string, ratio: number): number | undefined {
  const value = metrics.get(`${name}{quantile="${ratio}"}`);
  return value === undefined || Number.isNaN(value) || sumOf(metrics, `${name}_count`) === 0 ? undefined : value;
}
