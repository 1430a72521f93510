import { TransientError } from '../../lib/base/errors.ts';
import { VirtualClock } from '../../lib/base/clock.ts';
import { memoryNodes } from '../../lib/node-provisioners/memory.ts';
import { nodeProvisionerConformance } from '../conformance/node-provisioner.ts';
import { groupPolicy } from '../core/builders.ts';

nodeProvisionerConformance('memory', async () => {
  const clock = new VirtualClock();
  const nodes = memoryNodes({ clock });
  const group = nodes.group('g5', { min: 1, max: 5, desired: 3 });
  return {
    provisioner: nodes.provisioner,
    group: groupPolicy({}, 'g5'),
    unknown: groupPolicy({}, 'nothing'),
    instances: () => group.nodes.map((node) => node.instanceId),
    updates: () => nodes.calls.filter((one) => one.call === 'resize').length,
    pass: (sec) => clock.advance(sec * 1000),
    withoutCapacity: () => {},
    failNextUpdate: (text) => nodes.nextUpdateEnds({ state: 'failed', errors: [text] }),
    loseNextAnswer: () => nodes.failNext('resize', { error: new TransientError('lost'), applied: true }),
    close: async () => {},
  };
});
