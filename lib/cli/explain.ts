/** `penstock explain`: why a workload has the count it has. */
import { NotFoundError } from '../base/errors.ts';
import type { ScalingDecision } from '../core/types.ts';
import type { StoredControl } from '../loop/evaluate-decide.ts';
import type { StatusDeps } from '../loop/status.ts';
import { renderExplanation } from './explain-render.ts';
import { openStatus } from './status.ts';

/** Exit code: 0, or 1 when there is no such workload or decision. Throws what the store throws. */
export async function explainCommand(
  subject: string,
  options: { readonly last: number; readonly json: boolean },
): Promise<number> {
  const opened = await openStatus();
  try {
    const decisions = await find(opened.deps, subject, options.last);
    const text = options.json
      ? JSON.stringify(options.last === 1 ? decisions[0] : decisions)
      : decisions.map(renderExplanation).join('\n\n');
    process.stdout.write(`${text}\n`);
    return 0;
  } finally {
    await opened.close();
  }
}

async function find(deps: StatusDeps, subject: string, last: number): Promise<readonly ScalingDecision[]> {
  if (subject.startsWith('d_')) {
    const decision = await deps.state.ledger.find(subject);
    if (decision === undefined)
      throw new NotFoundError(`Cannot explain "${subject}": expected a decision that is still in the ledger`);
    return [decision];
  }
  const stored = (await deps.state.control.read(subject))?.value as StoredControl | undefined;
  const recorded = await deps.state.ledger.latest(subject, last);
  // The newest decision stands even when it changed nothing and so was not recorded.
  const latest = stored?.latest ?? null;
  const found = last === 1 && latest !== null ? [latest] : recorded;
  if (found.length > 0) return found;
  const known = [...(await deps.policies.current()).workloads.keys()];
  const hint = known.includes(subject) ? 'it was not decided yet' : `known workloads are ${known.join(', ')}`;
  throw new NotFoundError(`Cannot explain "${subject}": expected a workload id or a decision id (d_…); ${hint}`);
}
