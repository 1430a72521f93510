/** Input and output tokens are different work: each has its own speed, and both must be done. */
import { figure } from '../format.ts';
import type { SignalKind } from './contract.ts';
import { firstGap, readPart, sumOf, withoutPods } from './parts.ts';
import type { Part } from './parts.ts';

/** demand = input rate / inputPerSec + output rate / outputPerSec [replicas]. Source: prefill and decode capacity in tokens/s, as in TokenScale and HeteroScale. */
export const tokensSignal: SignalKind<'tokens'> = (policy, context) => {
  const speeds = new Map<string, number>();
  if (policy.inputPerSec !== undefined) speeds.set('inputTokenRate', policy.inputPerSec);
  if (policy.outputPerSec !== undefined) speeds.set('outputTokenRate', policy.outputPerSec);
  const names = (['inputTokenRate', 'outputTokenRate'] as const).filter((name) => speeds.has(name));
  const read = names.map((name) => readPart(name, context));
  const parts = withoutPods(read, context);
  const speedOf = (part: Part): number => speeds.get(part.name) ?? Infinity;
  const demand = sumOf(parts, (part) => 1 / speedOf(part));
  return {
    kind: policy.kind,
    role: 'load',
    isRate: true,
    demand,
    slotsPerReplica: context.slotsPerReplica,
    gap: firstGap(parts),
    outlivesPods: read.every((part) => part.outlivesPods),
    because: parts
      .flatMap((part) =>
        part.value === null
          ? []
          : `${figure(part.value)} ${part.name === 'inputTokenRate' ? 'input' : 'output'} tokens/s over ${figure(speedOf(part))} a replica`,
      )
      .join(' plus '),
    inputs: parts.map((part) => part.input),
  };
};
