/** Which network addresses an alert may be sent to. */
import ipaddr from 'ipaddr.js';
import { ConfigError } from '../base/errors.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = readonly [Address, number];

/** Instance metadata and host services of the clouds: never a receiver, whatever is allowed. Some of them are public addresses. */
const METADATA = new Set(
  [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
  ].map((text) => ipaddr.parse(text).toNormalizedString()),
);

/** Everything that is routed on the public Internet is in here today; what is not has no business in a URL. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');

export type AddressRules = {
  /** `public`: anybody may. `allowed`: private, and named by the policy. `refused`: with a reason for people. */
  judge(address: string): 'public' | 'allowed' | { readonly refused: string };
};

/** Rules with these private ranges (CIDR, or one address) allowed. Throws ConfigError on a range that is none. */
export function addressRules(allowPrivate: readonly string[]): AddressRules {
  const allowed = allowPrivate.map(parseRange);
  return {
    judge: (text) => {
      if (!ipaddr.isValid(text)) return { refused: 'not an address' };
      // A mapped address reaches the IPv4 host it names.
      const address = ipaddr.process(text);
      if (METADATA.has(address.toNormalizedString())) return { refused: 'metadata service' };
      if (allowed.some((range) => range[0].kind() === address.kind() && address.match(range[0], range[1])))
        return 'allowed';
      return isPublic(address)
        ? 'public'
        : { refused: address.range() === 'unicast' ? 'not a global address' : address.range() };
    },
  };
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(GLOBAL_IPV6[0], GLOBAL_IPV6[1]);
}

function parseRange(text: string): Range {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.parse(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (error) {
    throw new ConfigError(
      `Cannot allow private addresses: expected a CIDR such as 10.0.0.0/8, current value is "${text}"`,
      {
        cause: error,
      },
    );
  }
}
