/** Input and output tokens are different work: each has its own speed, and both must be done. */
import { figure } from '../format.ts';
import type { SignalKind } from './contract.ts';
import { firstGap, inputsOf, readPart, sumOf, withoutPods } from './parts.ts';
import type { Part } from './parts.ts';

/** demand = input rate / inputPerSec + output rate / outputPerSec [replicas]. Source: prefill and decode capacity in tokens/s, as in TokenScale and HeteroScale. */
export const tokensSignal: SignalKind<'tokens'> = (policy, context) => {
  const read: Part[] = [];
  if (policy.inputPerSec !== undefined) read.push(readPart('inputTokenRate', context));
  if (policy.outputPerSec !== undefined) read.push(readPart('outputTokenRate', context));
  const parts = withoutPods(read, context);
  const demand = sumOf(parts, (part) => 1 / speedOf(part, policy));
  return {
    kind: policy.kind,
    role: 'load',
    isRate: true,
    demand,
    slotsPerReplica: context.slotsPerReplica,
    gap: firstGap(parts),
    outlivesPods: read.every((part) => part.outlivesPods),
    because: becauseOf(parts, policy),
    inputs: inputsOf(parts),
  };
};

function becauseOf(parts: readonly Part[], policy: Speeds): string {
  let because = '';
  for (const part of parts) {
    if (part.value === null) continue;
    const kind = part.name === 'inputTokenRate' ? 'input' : 'output';
    const says = `${figure(part.value)} ${kind} tokens/s over ${figure(speedOf(part, policy))} a replica`;
    because = because === '' ? says : `${because} plus ${says}`;
  }
  return because;
}

type Speeds = { readonly inputPerSec?: number | undefined; readonly outputPerSec?: number | undefined };

/** Tokens of that kind a replica does [1/s]; infinite where the policy does not say. */
function speedOf(part: Part, { inputPerSec, outputPerSec }: Speeds): number {
  return (part.name === 'inputTokenRate' ? inputPerSec : outputPerSec) ?? Infinity;
}
