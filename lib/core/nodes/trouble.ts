/** Why a node group gives no nodes: the states by name, how each is recognised, and what it means in a sentence. */

/** noCapacity, quotaReached, noAddresses, launchFault: nothing is launched. neverJoins, withoutGpus: what was launched is of no use. */
export type NodeTrouble = 'noCapacity' | 'quotaReached' | 'noAddresses' | 'launchFault' | 'neverJoins' | 'withoutGpus';

/** What each state means, as the first sentence of its alert. */
export const TROUBLE_MEANS = {
  noCapacity: 'The cloud has no machines of this type in the zones of the group.',
  quotaReached: "The account's limit of instances or vCPUs is reached.",
  noAddresses: 'The subnets of the group have no free addresses.',
  launchFault:
    'Instances of the group cannot start as it is set up: launch template, image, role, security group or key.',
  neverJoins:
    'Instances were started and never became nodes of the cluster: look at user data, role and network of the group.',
  withoutGpus: 'Nodes joined and offer no GPUs: look at the device plugin and the driver in the image.',
} satisfies Record<NodeTrouble, string>;

const WORDS: readonly (readonly [NodeTrouble, RegExp])[] = [
  ['quotaReached', /VcpuLimitExceeded|InstanceLimitExceeded|MaxSpotInstanceCountExceeded|vCPU limit|instance limit/i],
  ['noAddresses', /InsufficientFreeAddresses|not enough (available|free) (IP )?addresses/i],
  ['neverJoins', /NodeCreationFailure|failed to join|never joined/i],
  ['withoutGpus', /without GPUs/i],
  [
    'noCapacity',
    /Insufficient(Instance|Host|ReservedInstance)Capacity|UnfulfillableCapacity|SpotMaxPriceTooLow|no capacity|sufficient .*capacity/i,
  ],
];

/** The state that a cause in the cloud's words names. A failed launch that is none of the others is a fault of the group itself. */
export function troubleOf(cause: string): NodeTrouble {
  return WORDS.find(([, words]) => words.test(cause))?.[0] ?? 'launchFault';
}

/** The cloud's words, cut to what tells: `InsufficientInstanceCapacity in eu-west-1a`. At most 160 characters. */
export function briefCause(cause: string): string {
  const said = cause.replace(/^refused: /, '').replace(/^Could not launch [\w-]+ Instances\. /, '');
  const [, code] = /^(\w+) - /.exec(said) ?? [];
  const [, zone] = /\(([a-z]{2}(?:-[a-z]+)+-\d[a-z])\)/.exec(said) ?? [];
  if (code !== undefined) return zone === undefined ? code : `${code} in ${zone}`;
  return said.replace(/\.? *Launching EC2 instance failed\.?$/, '').slice(0, 160);
}
