/** Who may do what: bearer tokens, identities and their rules (RBAC without the objects). */
import { isObject, parseJson } from '../http.ts';
import type { ApiAnswer, ApiRequest } from '../http.ts';
import { qualified, fail } from './status.ts';
import type { Target } from './resources.ts';

export type AccessRule = {
  /** `''` is the core group, `*` every one. */
  readonly apiGroups: readonly string[];
  /** With subresources, as in RBAC: `deployments/scale`. */
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  /** Default: every namespace (a ClusterRoleBinding). */
  readonly namespaces?: readonly string[];
};

export type Identity = {
  readonly user: string;
  /** `admin` may do everything. */
  readonly rules: 'admin' | readonly AccessRule[];
};

export type Asked = Target & { readonly verb: string };

/** True when a rule of `identity` allows it. */
export function isAllowed(identity: Identity, asked: Asked): boolean {
  if (identity.rules === 'admin') return true;
  return identity.rules.some((rule) => covers(rule, asked));
}

function covers(rule: AccessRule, asked: Asked): boolean {
  const inNamespace =
    rule.namespaces === undefined || (asked.namespace !== undefined && rule.namespaces.includes(asked.namespace));
  const named =
    rule.resourceNames === undefined || (asked.name !== undefined && rule.resourceNames.includes(asked.name));
  return (
    includes(rule.apiGroups, asked.group) &&
    includes(rule.resources, asked.resource) &&
    includes(rule.verbs, asked.verb) &&
    inNamespace &&
    named
  );
}

function includes(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value);
}

/** 403, in the words of the RBAC authorizer. */
export function forbidden(identity: Identity, asked: Asked): ApiAnswer {
  const { group, resource, name, namespace } = asked;
  const main = resource.split('/')[0] ?? resource;
  const scope = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const subject = `${qualified({ group, resource: main })}${name === undefined ? '' : ` "${name}"`} is forbidden`;
  return fail({
    code: 403,
    reason: 'Forbidden',
    message: `${subject}: User "${identity.user}" cannot ${asked.verb} resource "${resource}" in API group "${group}" ${scope}`,
    details: { ...(name === undefined ? {} : { name }), ...(group === '' ? {} : { group }), kind: main },
  });
}

const ANONYMOUS: Identity = { user: 'system:anonymous', rules: [] };

/** The identity of a request: by its token; anonymous without one; undefined for an unknown token. */
export function identify(request: ApiRequest, tokens: ReadonlyMap<string, Identity>): Identity | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return ANONYMOUS;
  const token = /^Bearer (\S+)$/i.exec(header)?.[1];
  if (token === undefined) return undefined;
  return tokens.get(token) ?? (isEksToken(token) ? tokens.get(EKS_TOKENS) : undefined);
}

/** Key of the token table whose identity every well-formed EKS token (a presigned STS call) gets. */
export const EKS_TOKENS = 'k8s-aws-v1.*';

// The signature cannot be checked here (nobody has the secret); the shape of the presigned call can.
function isEksToken(token: string): boolean {
  if (!token.startsWith('k8s-aws-v1.')) return false;
  const text = Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString('utf8');
  if (!URL.canParse(text)) return false;
  const { searchParams } = new URL(text);
  const signed = (searchParams.get('X-Amz-SignedHeaders') ?? '').split(';');
  return (
    searchParams.get('Action') === 'GetCallerIdentity' &&
    searchParams.has('X-Amz-Signature') &&
    signed.includes('x-k8s-aws-id')
  );
}

/** Answers a SelfSubjectAccessReview. */
export function reviewAccess(identity: Identity, body: string): ApiAnswer {
  const review = parseJson(body);
  const spec = isObject(review) && isObject(review['spec']) ? review['spec'] : {};
  const asked = isObject(spec['resourceAttributes']) ? spec['resourceAttributes'] : {};
  const text = (key: string): string | undefined => {
    const value = asked[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [resource, subresource] = [text('resource') ?? '', text('subresource')];
  const allowed = isAllowed(identity, {
    group: text('group') ?? '',
    version: text('version') ?? '*',
    namespace: text('namespace'),
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    name: text('name'),
    verb: text('verb') ?? '',
  });
  const answer = {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec,
    status: { allowed },
  };
  return { status: 201, body: JSON.stringify(answer) };
}
