/** The Kubernetes API as a detector asks it: one object at a time. */
import { findAccess, isInCluster } from '../../../pipeline/kubernetes/access.ts'
import type { KubernetesSettings } from '../../../pipeline/kubernetes/api-keys.ts'
import { KubernetesApi } from '../../../pipeline/kubernetes/kubernetes-api.ts'
import type { World } from '../detector.ts'
import { type JsonObject, objectOf } from './json-metadata.ts'

/** Whether the API can be reached at all from where we are. */
export function mayReachCluster({ auth_type }: KubernetesSettings, { pod }: World): boolean {
  return auth_type === 'kubeConfig' || isInCluster(pod)
}
export const notInKubernetes =
  'not running in Kubernetes: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set'

/** Opens the API for the time of `use`. */
export async function withCluster<T>(
  settings: KubernetesSettings,
  { pod, clock }: World,
  signal: AbortSignal,
  use: (get: (path: string) => Promise<JsonObject>) => Promise<T>,
): Promise<T> {
  const access = await findAccess(settings, pod)
  const api = new KubernetesApi(access, { clock, qps: settings.kube_api_qps, burst: settings.kube_api_burst })
  try {
    return await use(async (path) => objectOf(await api.get({ path, signal })))
  } finally {
    api.close()
  }
}
