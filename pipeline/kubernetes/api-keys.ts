/** How a component reaches the Kubernetes API: the keys, defaults and error texts of upstream's `k8sconfig`. */
import { z } from 'zod'

const authTypes: readonly string[] = ['none', 'serviceAccount', 'kubeConfig', 'tls']

export const kubernetesShape = {
  auth_type: z
    .string()
    .default('serviceAccount')
    .describe("`serviceAccount` (the pod's token), `kubeConfig` (KUBECONFIG or ~/.kube/config) or `none`."),
  context: z.string().default('').describe('Of `kubeConfig`: the context, instead of the current one.'),
  kube_api_qps: z.number().default(0).describe('Requests to the API per second at most; 0 = 5.'),
  kube_api_burst: z.int().default(0).describe('How many of them may come at once; 0 = 10.'),
}
export interface KubernetesSettings {
  readonly auth_type: string
  readonly context: string
  readonly kube_api_qps: number
  readonly kube_api_burst: number
}

/** Upstream's words, except for `tls`, which it accepts and then crashes on. */
export function kubernetesProblem(settings: KubernetesSettings): string | undefined {
  if (!authTypes.includes(settings.auth_type)) return `invalid authType for kubernetes: ${settings.auth_type}`
  if (settings.auth_type === 'tls')
    return 'auth_type tls has no certificate to present; write kubeConfig, and name the certificate in the kubeconfig'
  if (settings.kube_api_qps < 0) return 'kube_api_qps must be greater than 0'
  if (settings.kube_api_burst < 0) return 'kube_api_burst must be greater than 0'
  return undefined
}
