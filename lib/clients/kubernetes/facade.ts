/** The names of @kubernetes/client-node that we use, and no others: importing the package's index would triple a Lambda bundle. */
export { KubeConfig } from '@kubernetes/client-node/dist/config.js';
export { ApiException } from '@kubernetes/client-node/dist/gen/apis/exception.js';
export { Observable } from '@kubernetes/client-node/dist/gen/rxjsStub.js';
export { PatchStrategy } from '@kubernetes/client-node/dist/patch.js';
export { setHeaderMiddleware } from '@kubernetes/client-node/dist/middleware.js';
export {
  ObjectAppsV1Api as AppsV1Api,
  ObjectAutoscalingV2Api as AutoscalingV2Api,
  ObjectCoreV1Api as CoreV1Api,
  ObjectCustomObjectsApi as CustomObjectsApi,
} from '@kubernetes/client-node/dist/gen/types/ObjectParamAPI.js';
export type { ConfigurationOptions } from '@kubernetes/client-node/dist/gen/configuration.js';
export { HttpMethod, RequestContext } from '@kubernetes/client-node/dist/gen/http/http.js';
export type { ResponseContext } from '@kubernetes/client-node/dist/gen/http/http.js';
export { IsomorphicFetchHttpLibrary } from '@kubernetes/client-node/dist/gen/http/isomorphic-fetch.js';
export type { V1Deployment } from '@kubernetes/client-node/dist/gen/models/V1Deployment.js';
export type { V1HorizontalPodAutoscalerSpec } from '@kubernetes/client-node/dist/gen/models/V1HorizontalPodAutoscalerSpec.js';
export type { V1LabelSelector } from '@kubernetes/client-node/dist/gen/models/V1LabelSelector.js';
export type { V1ListMeta } from '@kubernetes/client-node/dist/gen/models/V1ListMeta.js';
export type { V1Node } from '@kubernetes/client-node/dist/gen/models/V1Node.js';
export type { V1ObjectMeta } from '@kubernetes/client-node/dist/gen/models/V1ObjectMeta.js';
export type { V1Pod } from '@kubernetes/client-node/dist/gen/models/V1Pod.js';
export type { V1PodSpec } from '@kubernetes/client-node/dist/gen/models/V1PodSpec.js';
export type { V1StatefulSet } from '@kubernetes/client-node/dist/gen/models/V1StatefulSet.js';
export type { V2HorizontalPodAutoscaler } from '@kubernetes/client-node/dist/gen/models/V2HorizontalPodAutoscaler.js';
