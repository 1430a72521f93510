import { memoryStateStores } from '../../lib/state/index.ts';
import { describeState } from '../conformance/state.ts';

describeState('memory', { open: async () => memoryStateStores() });
