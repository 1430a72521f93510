import { describe, expect, test } from '@jest/globals';
import { httpPoster, type ResolveName } from '../../lib/alert-hooks/http-post.ts';
import { addressRules } from '../../lib/alert-hooks/address-check.ts';
import { VirtualClock } from '../../lib/base/clock.ts';
import { ConfigError } from '../../lib/base/errors.ts';
import { startReceiver } from './support.ts';

/** Written as people and attackers write them; each must be refused without any connection. */
const REFUSED_URLS = [
  // IPv4: loopback, this network, private, link-local, metadata, carrier NAT, multicast, reserved
  'https://127.0.0.1/',
  'https://127.1/',
  'https://127.255.255.254/',
  'https://0.0.0.0/',
  'https://0/',
  'https://0.1.2.3/',
  'https://10.0.0.1/',
  'https://10.255.255.255:8443/',
  'https://172.16.0.1/',
  'https://172.31.255.255/',
  'https://192.168.1.1/',
  'https://169.254.0.1/',
  'https://169.254.169.254/latest/meta-data/iam/security-credentials/',
  'https://169.254.170.2/v2/credentials',
  'https://169.254.170.23/v1/credentials',
  'https://100.64.0.1/',
  'https://100.100.100.200/latest/meta-data/',
  'https://168.63.129.16/metadata',
  'https://192.0.0.192/',
  'https://192.0.0.1/',
  'https://192.0.2.1/',
  'https://192.88.99.1/',
  'https://198.18.0.1/',
  'https://198.19.255.255/',
  'https://198.51.100.1/',
  'https://203.0.113.1/',
  'https://224.0.0.1/',
  'https://239.255.255.255/',
  'https://240.0.0.1/',
  'https://255.255.255.255/',
  // IPv4 in other clothes
  'https://2130706433/',
  'https://017700000001/',
  'https://0177.0.0.1/',
  'https://0x7f000001/',
  'https://0x7f.0.0.1/',
  'https://0x7f.1/',
  'https://127.0.0x0.1/',
  'https://127.0.1/',
  'https://2852039166/',
  'https://0xA9FEA9FE/',
  'https://0251.0376.0251.0376/',
  'https://169.254.43518/',
  'https://127.0.0.1./',
  'https://%31%32%37.0.0.1/',
  'https://①②⑦.0.0.1/',
  'https://127。0。0。1/',
  // IPv6
  'https://[::]/',
  'https://[::1]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[::ffff:a9fe:a9fe]/',
  'https://[::ffff:10.0.0.1]/',
  'https://[::127.0.0.1]/',
  'https://[::7f00:1]/',
  'https://[::ffff:0:127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[64:ff9b::169.254.169.254]/',
  'https://[64:ff9b:1::1]/',
  'https://[2002:7f00:1::]/',
  'https://[2001:0:7f00:1::]/',
  'https://[2001:db8::1]/',
  'https://[fe80::1]/',
  'https://[fec0::1]/',
  'https://[fc00::1]/',
  'https://[fd00:ec2::254]/latest/meta-data/',
  'https://[fd12:3456::1]/',
  'https://[ff02::1]/',
  'https://[100::1]/',
  'https://[5f00::1]/',
  'https://[4000::1]/',
  // not https, or not only a host
  'http://example.com/',
  'http://93.184.216.34/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_FLUSHALL',
  'data:text/plain,x',
  'javascript:alert(1)',
  'unix:/var/run/docker.sock',
  'https://user@example.com/',
  'https://user:secret@example.com/',
  'https://example.com@127.0.0.1/',
  'https://example.com:80@169.254.169.254/',
  'https://127.0.0.1\\@example.com/',
  'https://93.184.216.34:22/',
  'https://93.184.216.34:25/',
  'https://example.com:80/',
  'https://',
  'https://[::1',
  '//example.com/',
  'example.com',
  '',
];

/** What a name may resolve to so that it is refused: every address counts, not the first one. */
const REFUSED_ANSWERS: readonly (readonly string[])[] = [
  ['127.0.0.1'],
  ['::1'],
  ['93.184.216.34', '127.0.0.1'],
  ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946', '169.254.169.254'],
  ['2606:2800:220:1:248:1893:25c8:1946', 'fd00:ec2::254'],
  ['93.184.216.34', '::ffff:10.0.0.1'],
  ['fe80::1%eth0'],
  ['not an address'],
];

const answer =
  (addresses: readonly string[]): ResolveName =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

async function failureOf(url: string, resolve: ResolveName, allowPrivate: readonly string[] = []): Promise<unknown> {
  const post = httpPoster({ clock: new VirtualClock(), resolve });
  return post({ url, headers: {}, body: '{}', allowPrivate }).then(
    () => 'was sent',
    (error: unknown) => error,
  );
}

const PUBLIC = answer(['93.184.216.34']);

describe('an alert is refused for good, before anything is connected to,', () => {
  test.each(REFUSED_URLS)('to %s', async (url) => {
    expect(await failureOf(url, PUBLIC)).toBeInstanceOf(ConfigError);
  });

  test.each(REFUSED_ANSWERS.map((addresses) => [addresses.join(' + '), addresses] as const))(
    'to a name that resolves to %s',
    async (_, addresses) => {
      expect(await failureOf('https://hooks.example.com/', answer(addresses))).toBeInstanceOf(ConfigError);
    },
  );

  test.each(['https://localhost./', 'https://metadata.google.internal./', 'https://xn--n3h.example./'])(
    'to %s with a trailing dot, by what it resolves to',
    async (url) => {
      expect(await failureOf(url, answer(['169.254.169.254']))).toBeInstanceOf(ConfigError);
    },
  );

  test('to a metadata service, even when a policy allows everything', async () => {
    const everything = ['0.0.0.0/0', '::/0'];
    for (const host of ['169.254.169.254', '[fd00:ec2::254]', '[::ffff:a9fe:a9fe]', '168.63.129.16']) {
      expect(await failureOf(`http://${host}/`, PUBLIC, everything)).toBeInstanceOf(ConfigError);
    }
  });
});

test('public addresses and named private ones are let through', () => {
  const rules = addressRules(['10.1.0.0/16', '127.0.0.1', 'fd12::/16']);
  for (const address of ['93.184.216.34', '8.8.8.8', '2606:2800:220:1:248:1893:25c8:1946', '::ffff:8.8.8.8']) {
    expect([address, rules.judge(address)]).toEqual([address, 'public']);
  }
  for (const address of ['10.1.2.3', '127.0.0.1', 'fd12::9', '::ffff:10.1.2.3']) {
    expect([address, rules.judge(address)]).toEqual([address, 'allowed']);
  }
  for (const address of ['10.2.0.1', '127.0.0.2', 'fd13::9', '::1']) {
    expect(rules.judge(address)).toEqual({ refused: expect.any(String) });
  }
});

test('a range that is none is reported as such', () => {
  expect(() => addressRules(['10.0.0.0/99'])).toThrow(ConfigError);
  expect(() => addressRules(['office'])).toThrow(/"office"/);
});

test('a name is resolved once, and the connection goes to the address that was checked (rebinding)', async () => {
  const receiver = await startReceiver();
  let lookups = 0;
  const resolve: ResolveName = async () => {
    lookups += 1;
    // The second answer is what the attacker wants us to connect to.
    return [{ address: lookups === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }];
  };
  try {
    const post = httpPoster({ clock: new VirtualClock(), resolve });
    await post({
      url: `http://rebinding.example:${receiver.port}/`,
      headers: {},
      body: '{}',
      allowPrivate: ['127.0.0.0/8'],
    });
    expect(lookups).toBe(1);
    expect(receiver.received[0]?.headers.host).toBe(`rebinding.example:${receiver.port}`);
  } finally {
    await receiver.close();
  }
});

test('redirects are refused, wherever they lead', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const receiver = await startReceiver((response) => {
      response.writeHead(status, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
    });
    const url = `${receiver.url}/secret-path`;
    const error = await failureOf(url, PUBLIC, ['127.0.0.1']);
    await receiver.close();
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toMatch(new RegExp(`${status}.*redirects are not followed`));
    expect(receiver.received).toHaveLength(1);
  }
});

test('proxy settings of the environment are not used', async () => {
  const receiver = await startReceiver();
  const before = { ...process.env };
  Object.assign(process.env, {
    HTTP_PROXY: 'http://127.0.0.1:1',
    http_proxy: 'http://127.0.0.1:1',
    NODE_USE_ENV_PROXY: '1',
  });
  try {
    expect(await failureOf(receiver.url, PUBLIC, ['127.0.0.1'])).toBe('was sent');
  } finally {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'NODE_USE_ENV_PROXY']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    await receiver.close();
  }
});
