import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { deploymentBody } from '../../../../lib/cli/demo/cluster/deployment-body.ts';
import { realCluster } from '../../../../lib/cli/demo/cluster/real-cluster.ts';
import { worldSettings } from '../../../../lib/cli/demo/scene.ts';

describe('deploymentBody', () => {
  test('is what the simulator has: replicas, GPUs, node selector, and the times it takes', () => {
    const [llama] = worldSettings(120).deployments ?? [];
    if (llama === undefined) throw new Error('expected a Deployment in the scene');
    expect(deploymentBody(llama)).toMatchObject({
      metadata: { name: 'llama-8b-chat' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'llama-8b-chat' } },
        template: {
          metadata: {
            labels: { app: 'llama-8b-chat' },
            annotations: {
              'pod-ready.stage.kwok.x-k8s.io/delay': '2500ms',
              'pod-delete.stage.kwok.x-k8s.io/delay': '1000ms',
            },
          },
          spec: {
            terminationGracePeriodSeconds: 5,
            nodeSelector: { 'eks.amazonaws.com/nodegroup': 'g6-od' },
            containers: [{ resources: { limits: { 'nvidia.com/gpu': '1' } } }],
          },
        },
      },
    });
  });

  test('asks for nothing that the scene does not say', () => {
    const { spec } = deploymentBody({ name: 'plain' });
    expect(spec?.template.spec).not.toHaveProperty('nodeSelector');
    expect(spec?.template.spec).not.toHaveProperty('terminationGracePeriodSeconds');
  });
});

describe('the real cluster', () => {
  test('cannot be had without the sources of its control plane, and says so in one line', async () => {
    const root = await mkdtemp(join(tmpdir(), 'penstock-root-'));
    const lines: string[] = [];
    await expect(
      realCluster.prepare({
        folder: root,
        root,
        cacheDir: join(root, 'cache'),
        dayDurationSec: 60,
        progress: (line) => lines.push(line),
        signal: new AbortController().signal,
        undo: [],
      }),
    ).rejects.toThrow(
      /^Cannot build the control plane: expected its sources in "[^\n]*control-plane" \(they are in a checkout/,
    );
    expect(lines).toEqual([]);
    await rm(root, { recursive: true });
  });
});
