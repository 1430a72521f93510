/** `penstock validate FILE…`: all problems of all policy files, or what they add up to. */
import { loadPolicyFiles } from '../policy-source/files.ts';
import { problemsText } from '../policy-source/problems.ts';

export type ValidateResult = {
  /** 0: all good. 2: problems. */
  readonly exitCode: 0 | 2;
  /** What to print, without a newline at the end. */
  readonly text: string;
};

/** Checks policy files and folders. Never throws for what is wrong with them. */
export async function validate(files: readonly string[], options: { readonly json: boolean }): Promise<ValidateResult> {
  const loaded = await loadPolicyFiles(files);
  const exitCode = loaded.policies === null ? 2 : 0;
  const counts = {
    files: loaded.files.length,
    workloads: loaded.policies?.workloads.size ?? 0,
    nodeGroups: loaded.policies?.nodeGroups.size ?? 0,
  };
  if (options.json) {
    const version = loaded.policies?.version ?? null;
    return { exitCode, text: JSON.stringify({ ok: exitCode === 0, ...counts, version, problems: loaded.problems }) };
  }
  if (loaded.policies === null) {
    const faulty = new Set(loaded.problems.map((problem) => problem.file)).size;
    const sum = `${plural(loaded.problems.length, 'problem')} in ${plural(faulty, 'file')}. Nothing was loaded.`;
    return { exitCode, text: `${problemsText(loaded.problems)}\n${sum}` };
  }
  const { workloads, nodeGroups } = counts;
  // An empty file is no mistake for the controller; for whoever asks about it, it may well be.
  const isEmpty = workloads + nodeGroups === 0;
  const found = `${plural(workloads, 'workload')} and ${plural(nodeGroups, 'node group')} in ${plural(counts.files, 'file')}`;
  return {
    exitCode,
    text: `${found}: no problems (version ${loaded.policies.version}).${isEmpty ? ' There is nothing to scale in it.' : ''}`,
  };
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
