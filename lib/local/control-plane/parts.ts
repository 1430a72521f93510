/** The files that the parts of a control plane share: keys, certificates, tokens, kubeconfigs. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificates } from '../certificates/certificates.ts';
import { LOOPBACK } from '../process/ports.ts';

/** The parts in the order in which they are started; each ends with the ones before it. */
export const PARTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'] as const;
export type PartName = (typeof PARTS)[number];

export type ControlPlaneSetUp = {
  readonly folder: string;
  readonly ports: { readonly etcd: number; readonly etcdPeer: number; readonly api: number };
  readonly server: string;
  readonly caPem: string;
  readonly caFile: string;
  /** Bearer token of a user who may do everything. */
  readonly adminToken: string;
  /** Signs tokens of service accounts. */
  readonly serviceAccountKeyPem: string;
};

/** Who may come in with a token, and how it is a member of `system:masters` or known by its own cluster role. */
const USERS = {
  admin: { name: 'penstock-test-admin', group: 'system:masters' },
  'kube-controller-manager': { name: 'system:kube-controller-manager', group: '' },
  'kube-scheduler': { name: 'system:kube-scheduler', group: '' },
  kwok: { name: 'kwok', group: 'system:masters' },
} as const;
export type User = keyof typeof USERS;

/** Where the kubeconfig of a user is. */
export const kubeconfigFile = (folder: string, user: User): string => join(folder, `${user}.kubeconfig`);

/** Makes keys, certificates, tokens and kubeconfigs in `folder`, anew for every cluster. `nowMs` dates the certificates. */
export async function setUp(
  folder: string,
  options: { readonly ports: ControlPlaneSetUp['ports']; readonly nowMs: number },
): Promise<ControlPlaneSetUp> {
  const file = (name: string): string => join(folder, name);
  const server = `https://${LOOPBACK}:${options.ports.api}`;
  const { caPem, server: identity } = makeCertificates(options.nowMs);
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serviceAccountKeyPem = keys.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  const users = Object.keys(USERS) as User[];
  const tokens = new Map(users.map((user) => [user, randomBytes(24).toString('hex')]));
  const rows = users.map((user) => [tokens.get(user), USERS[user].name, user, USERS[user].group].join(','));
  const files: readonly (readonly [string, string])[] = [
    ['ca.crt', caPem],
    ['server.crt', identity.certPem],
    ['server.key', identity.keyPem],
    ['service-account.key', serviceAccountKeyPem],
    ['service-account.pub', keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    ['tokens.csv', `${rows.join('\n')}\n`],
  ];
  for (const [name, text] of files) await writeFile(file(name), text, { mode: 0o600 });
  for (const [user, token] of tokens) {
    const text = kubeconfig({ server, caPem, token });
    await writeFile(kubeconfigFile(folder, user), text, { mode: 0o600 });
  }
  for (const part of PARTS) await mkdir(file(part), { recursive: true });
  const adminToken = tokens.get('admin') ?? '';
  return { folder, ports: options.ports, server, caPem, caFile: file('ca.crt'), adminToken, serviceAccountKeyPem };
}

/** A kubeconfig as text (JSON is YAML). */
export function kubeconfig(of: { readonly server: string; readonly caPem: string; readonly token: string }): string {
  const { server, caPem, token } = of;
  const certificateAuthority = Buffer.from(caPem).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': certificateAuthority } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  });
}
