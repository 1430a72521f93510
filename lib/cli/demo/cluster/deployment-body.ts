/** A Deployment of the scene as a Kubernetes object whose pods kwok plays. */
import type { V1Deployment } from '../../../clients/kubernetes/facade.ts';
import { KWOK_DELAY } from '../../../local/index.ts';
import { GPU_RESOURCE } from '../../../simulator/world/state/records.ts';
import type { DeploymentSettings } from '../../../simulator/world/settings.ts';

/** Nobody pulls it: kwok plays the pods. */
const IMAGE = 'registry.example/model-server:demo';

/** Pods are Ready after the image pull and the model load that the simulator would take, and end after their work in flight; both at the median. */
export function deploymentBody(settings: DeploymentSettings): V1Deployment {
  const { drainSec = 0, gpusPerPod = 1, imagePullSec = 0, modelLoadSec = 0, name, replicas = 1 } = settings;
  const annotations = {
    [KWOK_DELAY.ready]: milliseconds(imagePullSec + modelLoadSec),
    [KWOK_DELAY.end]: milliseconds(drainSec),
  };
  return {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, annotations },
        spec: {
          ...(settings.terminationGracePeriodSec === undefined
            ? {}
            : { terminationGracePeriodSeconds: settings.terminationGracePeriodSec }),
          ...(settings.nodeSelector === undefined ? {} : { nodeSelector: { ...settings.nodeSelector } }),
          containers: [{ name: 'engine', image: IMAGE, resources: { limits: { [GPU_RESOURCE]: String(gpusPerPod) } } }],
        },
      },
    },
  };
}

function milliseconds(sec: number): string {
  return `${Math.round(sec * 1000)}ms`;
}
