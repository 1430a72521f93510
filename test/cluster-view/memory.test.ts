import { VirtualClock } from '../../lib/base/clock.ts';
import { memoryClusterView } from '../../lib/cluster-view/memory.ts';
import { clusterViewConformance } from '../conformance/cluster-view.ts';
import { groupPolicy, node, observed, observedGroup, workloadPolicy } from '../core/builders.ts';

clusterViewConformance('memory', async () => {
  const clock = new VirtualClock();
  const view = memoryClusterView({ clock });
  view.targets.set('llama', observed(2));
  view.nodeGroups.set('g5', observedGroup([node('node-0'), node('node-1')]));
  return {
    view,
    workload: workloadPolicy({}, 'llama'),
    group: groupPolicy({}, 'g5'),
    unknownWorkload: workloadPolicy({}, 'nothing'),
    unknownGroup: groupPolicy({}, 'nothing'),
    nowMs: () => clock.nowMs(),
    pass: (sec) => clock.advance(sec * 1000),
    cut: () => {
      view.unreachable = true;
    },
    close: () => view.close(),
  };
});
