/** `penstock explain`: why a workload has the count it has. */
import { NotFoundError } from '../base/errors.ts';
import type { ScalingDecision } from '../core/types.ts';
import { whyNot } from '../core/why-not/why-not.ts';
import type { WhyNot } from '../core/why-not/why-not.ts';
import { evaluationAfter } from '../loop/explain.ts';
import type { StatusDeps } from '../loop/status.ts';
import { readStored } from '../loop/stored-control.ts';
import { LEDGER_LENGTH_MAX } from '../state/contract.ts';
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
    const explained = await Promise.all(
      decisions.map(async (decision) => ({ decision, whyNot: await whyNotOf(opened.deps, decision) })),
    );
    const asJson = explained.map((each) => ({ ...each.decision, whyNot: each.whyNot }));
    const text = options.json
      ? JSON.stringify(options.last === 1 ? asJson[0] : asJson)
      : explained.map((each) => renderExplanation(each.decision, each.whyNot)).join('\n\n');
    process.stdout.write(`${text}\n`);
    return 0;
  } finally {
    await opened.close();
  }
}

/** What the record does not say. */
async function whyNotOf(deps: StatusDeps, decision: ScalingDecision): Promise<WhyNot> {
  return whyNot(decision, await evaluationAfter(deps, decision));
}

async function find(deps: StatusDeps, subject: string, last: number): Promise<readonly ScalingDecision[]> {
  const isSubject = ({ id }: ScalingDecision): boolean => id === subject;
  if (subject.startsWith('d_')) {
    const decision = (await deps.state.ledger.find(subject)) ?? (await newestDecisions(deps)).find(isSubject);
    if (decision !== undefined) return [decision];
    throw new NotFoundError(
      `Cannot explain "${subject}": expected the newest decision of a workload, or one of its last ${LEDGER_LENGTH_MAX} that changed something (see penstock explain WORKLOAD --last 10)`,
    );
  }
  const recorded = await deps.state.ledger.latest(subject, last);
  // The newest decision stands even when it changed nothing and so was not recorded.
  const latest = await newestDecision(deps, subject);
  const found = last === 1 && latest !== null ? [latest] : recorded;
  if (found.length > 0) return found;
  const known = [...(await deps.policies.current()).workloads.keys()];
  const hint = known.includes(subject) ? 'it was not decided yet' : `known workloads are ${known.join(', ')}`;
  throw new NotFoundError(`Cannot explain "${subject}": expected a workload id or a decision id (d_…); ${hint}`);
}

async function newestDecision(deps: StatusDeps, workload: string): Promise<ScalingDecision | null> {
  return readStored((await deps.state.control.read(workload))?.value).latest;
}

async function newestDecisions(deps: StatusDeps): Promise<readonly ScalingDecision[]> {
  const { workloads } = await deps.policies.current();
  const newest = await Promise.all([...workloads.keys()].map((workload) => newestDecision(deps, workload)));
  return newest.filter((decision) => decision !== null);
}
