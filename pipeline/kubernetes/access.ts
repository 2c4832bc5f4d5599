/** Who we are to the API server: its address, TLS, and the header of each request. */
import { readFile } from 'node:fs/promises'
import type https from 'node:https'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { errorMessage } from '../error-message.ts'
import type { KubernetesSettings } from './api-keys.ts'

export interface Access {
  readonly server: URL
  readonly tls: https.AgentOptions
  /** Asked before each request: tokens rotate. */
  headers(): Promise<Record<string, string>>
}

/** Where a pod finds its environment; tests bring their own. */
export interface PodWorld {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder of `token` and `ca.crt`. */
  readonly serviceAccount: string
}
export const ownPod: PodWorld = { env: process.env, serviceAccount: '/var/run/secrets/kubernetes.io/serviceaccount' }

/** Rejects when the environment or the kubeconfig does not say where the API is. */
export async function findAccess(settings: KubernetesSettings, world: PodWorld = ownPod): Promise<Access> {
  if (settings.auth_type === 'kubeConfig') return kubeConfigAccess(settings.context)
  const server = inClusterServer(world.env)
  if (settings.auth_type === 'none')
    return { server, tls: { rejectUnauthorized: false }, headers: () => Promise.resolve({}) }
  return serviceAccountAccess(server, world.serviceAccount)
}

export function isInCluster({ env }: PodWorld): boolean {
  return (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && (env['KUBERNETES_SERVICE_PORT'] ?? '') !== ''
}

function inClusterServer(env: PodWorld['env']): URL {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? ''
  const port = env['KUBERNETES_SERVICE_PORT'] ?? ''
  if (host === '' || port === '') {
    throw new Error(
      'unable to load k8s config, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined; outside a cluster write auth_type: kubeConfig',
    )
  }
  return new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`)
}

async function serviceAccountAccess(server: URL, folder: string): Promise<Access> {
  const token = () => readFile(join(folder, 'token'), 'utf8')
  await token()
  const ca = await readFile(join(folder, 'ca.crt'))
  return { server, tls: { ca }, headers: async () => ({ authorization: `Bearer ${(await token()).trim()}` }) }
}

/** client-node knows every way in which a kubeconfig can say who one is (certificates, exec plugins, OIDC); it is loaded only here. */
async function kubeConfigAccess(context: string): Promise<Access> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
  } catch (cause) {
    throw new Error(`error connecting to k8s with auth_type=kubeConfig: ${errorMessage(cause)}`, { cause })
  }
  if (context !== '') {
    if (config.getContextObject(context) === null)
      throw new Error(`error connecting to k8s with auth_type=kubeConfig: context "${context}" does not exist`)
    config.setCurrentContext(context)
  }
  const cluster = config.getCurrentCluster()
  if (cluster === null)
    throw new Error('error connecting to k8s with auth_type=kubeConfig: the kubeconfig has no current cluster')
  const options = async () => {
    const filled: https.RequestOptions = {}
    await config.applyToHTTPSOptions(filled)
    return filled
  }
  const { ca, cert, key, passphrase, rejectUnauthorized, servername } = await options()
  return {
    server: new URL(cluster.server),
    tls: defined({ ca, cert, key, passphrase, rejectUnauthorized, servername }),
    headers: async () => {
      const { headers, auth } = await options()
      const all: Record<string, string> = {}
      for (const [name, value] of Object.entries(headers ?? {})) all[name.toLowerCase()] = String(value)
      if (typeof auth === 'string') all['authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`
      return all
    },
  }
}

function defined(options: Record<string, unknown>): https.AgentOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
