import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { ConfigError, DeniedError, TransientError } from '../../../lib/base/errors.ts';
import { makeCertificates } from '../../../lib/local/certificates/certificates.ts';
import { kubernetesError, kubernetesStatus } from '../../../lib/clients/kubernetes/errors.ts';
import { ApiException } from '../../../lib/clients/kubernetes/facade.ts';
import { kubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { KubernetesClient, KubernetesConnection } from '../../../lib/clients/kubernetes/client.ts';
import { PATIENT_MS, patientKubernetes } from '../../support/patience.ts';

function exception(code: number, status: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
  return new ApiException(code, 'Unknown API Status Code!', JSON.stringify({ kind: 'Status', ...status }), headers);
}

const mapped = (error: unknown) => kubernetesError('scale Deployment "a/b"', error);
const credentials = () => Promise.resolve({ accessKeyId: 'AKID', secretAccessKey: 'secret' });
const broken = () => Promise.reject(new Error('no role'));

describe('kubernetesError', () => {
  test.each([
    [400, 'config'],
    [401, 'denied'],
    [403, 'denied'],
    [404, 'not-found'],
    [405, 'config'],
    [408, 'transient'],
    [409, 'conflict'],
    [410, 'transient'],
    [415, 'config'],
    [422, 'config'],
    [429, 'transient'],
    [500, 'transient'],
    [503, 'transient'],
  ])('%d is %s', (code, expected) => {
    expect(mapped(exception(code)).code).toBe(expected);
  });

  test('names verb, resource, group and place of a missing permission', () => {
    const message =
      'deployments.apps "b" is forbidden: User "p" cannot patch resource "deployments/scale" in API group "apps" in the namespace "a"';
    expect(mapped(exception(403, { message })).message).toMatch(
      /^Cannot scale Deployment "a\/b": expected permission to patch deployments\/scale of apps in namespace a \(by a Role there: docs\/permissions\.md\), /,
    );
    const clusterWide =
      'nodes is forbidden: User "p" cannot list resource "nodes" in API group "" at the cluster scope';
    expect(mapped(exception(403, { message: clusterWide })).message).toContain(
      'permission to list nodes at the cluster scope (by a ClusterRole: docs/permissions.md)',
    );
  });

  test('takes Retry-After from the header, or from the Status, and bounds it', () => {
    expect(mapped(exception(429, {}, { 'retry-after': '3' })).retryAfterMs).toBe(3_000);
    expect(mapped(exception(503, { details: { retryAfterSeconds: 5 } })).retryAfterMs).toBe(5_000);
    expect(mapped(exception(429, {}, { 'retry-after': '999999' })).retryAfterMs).toBe(300_000);
    expect(mapped(exception(429, {}, { 'retry-after': 'soon' })).retryAfterMs).toBeUndefined();
  });

  test('answers that are no Status objects are survived', () => {
    expect(mapped(new ApiException(502, 'x', '<html>Bad Gateway</html>', {})).message).toContain('Bad Gateway');
    expect(mapped(new ApiException(401, 'Unauthorized', undefined, {})).code).toBe('denied');
    expect(mapped('a string').code).toBe('transient');
  });

  test('keeps the Status for those who look closer', () => {
    const details = { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget keep needs 2' }] };
    expect(kubernetesStatus(mapped(exception(429, { details })))?.causes).toEqual(details.causes);
    expect(kubernetesStatus(new Error('other'))).toBeUndefined();
  });
});

describe('kubernetesClient', () => {
  let server: Server | undefined;
  let client: KubernetesClient | undefined;
  afterEach(async () => {
    await client?.close();
    server?.closeAllConnections();
    server?.close();
  });

  const clock = new VirtualClock();
  /** A server that answers by the Authorization header; `undefined` never answers. */
  const serve = async (statusOf: (authorization: string | undefined) => number | undefined): Promise<string> => {
    server = createServer((request, response) => {
      const status = statusOf(request.headers.authorization);
      if (status === undefined) return;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: status === 200 ? 'NodeList' : 'Status', items: [] }));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const listNodes = (connection: KubernetesConnection, requestMsMax = PATIENT_MS) => {
    const made = kubernetesClient(connection, { clock, requestMsMax });
    client = made;
    return made.call('list the nodes', (call) => made.core.listNode({}, call));
  };
  test('sends the token of the connection', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((authorization) => (seen.push(authorization), 200));
    await listNodes({ kind: 'server', server: url, token: 'abc' });
    expect(seen).toEqual(['Bearer abc']);
  });

  test('signs an EKS token, and signs once more when it is refused', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((authorization) => (seen.push(authorization), seen.length === 1 ? 401 : 200));
    await listNodes({ kind: 'eks', server: url, cluster: 'prod', region: 'eu-west-1', credentials });
    expect(seen).toHaveLength(2);
    for (const authorization of seen) expect(authorization).toMatch(/^Bearer k8s-aws-v1\./);
  });

  test('a token that is refused twice is denied, without a loop', async () => {
    let requests = 0;
    const url = await serve(() => (requests++, 401));
    const denied = listNodes({ kind: 'eks', server: url, cluster: 'prod', region: 'eu-west-1', credentials });
    await expect(denied).rejects.toBeInstanceOf(DeniedError);
    expect(requests).toBe(2);
  });

  test('credentials that cannot be had are transient, and nothing is sent', async () => {
    let requests = 0;
    const url = await serve(() => (requests++, 200));
    const failed = listNodes({ kind: 'eks', server: url, cluster: 'prod', region: 'eu-west-1', credentials: broken });
    await expect(failed).rejects.toThrow(/no role/);
    expect(requests).toBe(0);
  });

  test('gives up at its deadline', async () => {
    const url = await serve(() => undefined);
    // Nobody else ends it: the server never answers, and the connection is given minutes.
    await expect(listNodes({ kind: 'server', server: url }, 100)).rejects.toBeInstanceOf(TransientError);
  });

  test('a GET is ended by its signal, by its deadline beside one, and neither holds it after its answer', async () => {
    const ending = new AbortController();
    const asked = { path: '/things', query: {} };
    const url = await serve((authorization) => (authorization === 'Bearer answers' ? 200 : undefined));
    const answering = kubernetesClient(
      { kind: 'server', server: url, token: 'answers' },
      { clock, ...patientKubernetes },
    );
    const limits = { signal: ending.signal };
    expect(await answering.getJson('ask', asked, limits)).toMatchObject({ kind: 'NodeList' });
    await answering.close();
    const silent = kubernetesClient({ kind: 'server', server: url }, { clock });
    client = silent;
    await expect(silent.getJson('ask', asked, { ...limits, requestMsMax: 100 })).rejects.toThrow(/none in time/);
    const endless = silent.getJson('ask', asked, { ...limits, requestMsMax: PATIENT_MS });
    ending.abort();
    await expect(endless).rejects.toBeInstanceOf(TransientError);
  });

  test('a port where nobody listens is transient', async () => {
    const url = await serve(() => 200);
    await new Promise((resolve) => server?.close(resolve));
    await expect(listNodes({ kind: 'server', server: url })).rejects.toThrow(/expected an answer, .*ECONNREFUSED/);
  });

  test('checks the CA over TLS, and calls share connections', async () => {
    const { caPem, server: identity } = makeCertificates(Date.now());
    let connections = 0;
    server = createTlsServer({ cert: identity.certPem, key: identity.keyPem }, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"kind":"NodeList","items":[]}');
    }).on('secureConnection', () => connections++);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const caData = Buffer.from(caPem).toString('base64');
    const trusting = kubernetesClient(
      { kind: 'server', server: url, caData, token: 'abc' },
      { clock, ...patientKubernetes },
    );
    client = trusting;
    for (let time = 0; time < 5; time++) {
      await trusting.call('list the nodes', (call) => trusting.core.listNode({}, call));
    }
    // A second one may be opened while the first still ends its answer; one for each call would be five.
    expect(connections).toBeLessThanOrEqual(2);
    const other = Buffer.from(makeCertificates(Date.now()).caPem).toString('base64');
    const doubting = kubernetesClient({ kind: 'server', server: url, caData: other }, { clock, ...patientKubernetes });
    const refused = doubting.call('list the nodes', (call) => doubting.core.listNode({}, call));
    await expect(refused).rejects.toThrow(
      /expected an answer, current value is fetch failed: .*(certificate|signature)/i,
    );
    await doubting.close();
  });

  test('reads a kubeconfig, and another context of it', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((authorization) => (seen.push(authorization), 200));
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [
        { name: 'u', user: { token: 'first' } },
        { name: 'v', user: { token: 'second' } },
      ],
      contexts: [
        { name: 'one', context: { cluster: 'c', user: 'u' } },
        { name: 'two', context: { cluster: 'c', user: 'v' } },
      ],
      'current-context': 'one',
    });
    await listNodes({ kind: 'kubeconfigText', text });
    await listNodes({ kind: 'kubeconfigText', text, context: 'two' });
    expect(seen).toEqual(['Bearer first', 'Bearer second']);
  });

  test.each([
    [{ kind: 'kubeconfigText', text: 'not: [valid' }],
    [{ kind: 'kubeconfigText', text: '{}' }],
    [{ kind: 'kubeconfigFile', path: '/no/such/file' }],
  ] as const)('a connection that cannot be understood is a mistake in the configuration: %j', (connection) => {
    expect(() => kubernetesClient(connection, { clock })).toThrow(ConfigError);
  });
});
