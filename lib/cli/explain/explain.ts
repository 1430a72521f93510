/** `penstock explain`: why a workload has the count it has. */
import { findDecisions, whyNotOf } from '../../loop/explain.ts';
import { renderExplanation } from './render.ts';
import { openStatus } from '../status/status.ts';

/** Exit code: 0, or 1 when there is no such workload or decision. Throws what the store throws. */
export async function explainCommand(
  subject: string,
  options: { readonly last: number; readonly json: boolean },
): Promise<number> {
  const opened = await openStatus();
  try {
    const decisions = await findDecisions(opened.deps, subject, options.last);
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
