/** The kill switch: what is paused is asked of the store right before every call that changes something. */
import type { ActionJob, StepResult } from '../../action-queue/contract.ts';
import { PenstockError } from '../../base/errors.ts';
import type { NodeDrainer, NodeProvisioner } from '../../node-provisioners/contract.ts';
import { PAUSES_ID } from '../../state/contract.ts';
import type { Pause, Pauses } from '../../state/contract.ts';
import type { Target } from '../../targets/contract.ts';
import { DONE, beginStep } from './step.ts';
import type { ActuateDeps } from '../deps.ts';

export type PausableJob = Exclude<ActionJob, { readonly kind: 'alert' }>;

/** Somebody paused this between the look at the plan and the write: nothing was written. */
class PausedError extends PenstockError {
  constructor(message: string) {
    super(message, { code: 'paused', retryable: false });
  }
}

/** Runs `step` with everything that changes something behind the switch; a paused job ends at once as `refused`. */
export async function unlessPaused(
  deps: ActuateDeps,
  job: PausableJob,
  step: (deps: ActuateDeps) => Promise<StepResult>,
): Promise<StepResult> {
  const pause = await pauseOf(deps, job);
  if (pause !== null) return refuse(deps, job, pause);
  try {
    return await step(behindSwitch(deps, job));
  } catch (error) {
    // The record says so already. The next evaluation after the end of the pause wakes the job again.
    if (error instanceof PausedError) return DONE;
    throw error;
  }
}

async function refuse(deps: ActuateDeps, job: PausableJob, pause: Pause): Promise<StepResult> {
  const step = await beginStep(deps, { job, planSeq: 0, decision: '' });
  await step.end('refused', wordsOf(pause));
  return DONE;
}

/** The pause that holds for a job; the one of everything first. Throws TransientError when the store cannot be reached: then nothing may be written. */
async function pauseOf({ state }: Pick<ActuateDeps, 'state'>, job: PausableJob): Promise<Pause | null> {
  const pauses: Pauses | undefined = (await state.pauses.read(PAUSES_ID))?.value;
  const own = job.kind === 'target' ? pauses?.workloads : pauses?.nodeGroups;
  return pauses?.all ?? own?.[job.id] ?? null;
}

function wordsOf({ by, reason }: Pause): string {
  return `paused by ${by}${reason === '' ? '' : `: ${reason}`}`;
}

function behindSwitch(deps: ActuateDeps, job: PausableJob): ActuateDeps {
  const check = async (act: string): Promise<void> => {
    const pause = await pauseOf(deps, job);
    if (pause !== null) throw new PausedError(`Cannot ${act} for "${job.id}": ${wordsOf(pause)}`);
  };
  return {
    ...deps,
    targets: new Map([...deps.targets].map(([kind, target]) => [kind, pausableTarget(target, check)])),
    provisioners: new Map([...deps.provisioners].map(([kind, one]) => [kind, pausableProvisioner(one, check)])),
    drainer: pausableDrainer(deps.drainer, check),
  };
}

type Check = (act: string) => Promise<void>;

function pausableTarget(target: Target, check: Check): Target {
  const prefer = target.preferVictims?.bind(target);
  return {
    read: (ref) => target.read(ref),
    scale: async (ref, change) => {
      await check('scale');
      return target.scale(ref, change);
    },
    ...(prefer === undefined
      ? {}
      : {
          preferVictims: async (ref, pods) => {
            return prefer(ref, { ...pods, mayWrite: () => check('mark pods') });
          },
        }),
  };
}

function pausableProvisioner(provisioner: NodeProvisioner, check: Check): NodeProvisioner {
  return {
    describe: (group) => provisioner.describe(group),
    pollUpdate: (group, updateId) => provisioner.pollUpdate(group, updateId),
    resize: async (group, change) => {
      await check('resize nodes');
      return provisioner.resize(group, change);
    },
    terminate: async (group, instanceId) => {
      await check('end an instance');
      return provisioner.terminate(group, instanceId);
    },
  };
}

function pausableDrainer(drainer: NodeDrainer, check: Check): NodeDrainer {
  return {
    cordon: async (nodeName) => {
      await check('cordon a node');
      return drainer.cordon(nodeName);
    },
    uncordon: async (nodeName) => {
      await check('uncordon a node');
      return drainer.uncordon(nodeName);
    },
    drainStep: async (nodeName) => {
      await check('evict pods');
      return drainer.drainStep(nodeName, () => check('evict pods'));
    },
  };
}
