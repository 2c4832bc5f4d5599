import type https from 'node:https'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { secret } from '../../../pipeline/config/fields.ts'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { type ClientTls, clientTls, clientTlsKeys } from '../../../pipeline/net/tls.ts'
import { attributeSwitches, defineDetector, Found, nothing, type World } from '../detector.ts'
import { StatusError } from '../metadata-client.ts'
import { type JsonObject, objectOf, textOf } from './json-metadata.ts'

const removeCloudName = 'processor.resourcedetection.openshift.removeCloudNameRegion'
const tlsDefaults = JSON.stringify(clientTlsKeys.parse({}))

/** OpenShift 4 clusters, by the Infrastructure object of their API. */
export default defineDetector({
  type: 'openshift',
  config: z.strictObject({
    address: z.string().default('').describe('The URL of the API server; empty = as the environment of a pod says.'),
    token: secret().default('').describe("The token to show it; empty = the pod's service account."),
    tls: clientTlsKeys.prefault({}).describe("TLS of the API server; without it the pod's CA is trusted."),
    resource_attributes: attributeSwitches({
      'cloud.platform': true,
      'cloud.provider': true,
      'cloud.region': true,
      'k8s.cluster.name': true,
    }),
  }),
  create: (settings, world) => ({
    async detect(signal) {
      try {
        const status = await infrastructure(settings, world, signal)
        if (status === undefined) {
          world.logger.debug('not running on an OpenShift cluster')
          if (world.mustFind) throw new Error('openshift metadata unavailable')
          return nothing
        }
        const found = new Found(settings.resource_attributes)
        found.setUnlessEmpty('k8s.cluster.name', textOf(status['infrastructureName']))
        setPlatform(found, objectOf(status['platformStatus']), !world.hasGate(removeCloudName))
        return found.done()
      } catch (error) {
        if (world.mustFind) throw error
        world.logger.error('could not ask the OpenShift API', { error: errorMessage(error) })
        return nothing
      }
    },
  }),
})

function setPlatform(found: Found, platform: JsonObject, hasCloudName: boolean): void {
  const type = textOf(platform['type']).toLowerCase()
  const field = (name: string) => textOf(objectOf(platform[type])[name]).toLowerCase()
  const providers: Readonly<Record<string, readonly [provider: string, platform: string, region: string]>> = {
    aws: ['aws', 'aws_openshift', field('region')],
    azure: ['azure', 'azure.openshift', hasCloudName ? field('cloudName') : ''],
    gcp: ['gcp', 'gcp_openshift', field('region')],
    ibmcloud: ['ibm_cloud', 'ibm_cloud_openshift', field('location')],
    openstack: ['', '', hasCloudName ? field('cloudName') : ''],
  }
  const [provider, name, region] = providers[type] ?? ['', '', '']
  found.setUnlessEmpty('cloud.provider', provider)
  found.setUnlessEmpty('cloud.platform', name)
  found.setUnlessEmpty('cloud.region', region)
}

/** Undefined where there is no cluster, or one that is not OpenShift. */
async function infrastructure(
  { address, token, tls }: { address: string; token: string; tls: ClientTls },
  world: World,
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  const server = (address || serverOf(world)).replace(/\/+$/, '')
  const bearer = token || (await ownToken(world))
  if (server === '' || bearer === '') return undefined
  const url = `${server}/apis/config.openshift.io/v1/infrastructures/cluster/status`
  const headers = { authorization: `Bearer ${bearer}` }
  const options = server.startsWith('https:') ? { tls: await tlsOf(tls, world) } : {}
  const answer = await world.http.ask(url, { headers, signal, ...options })
  if (answer.status === 401 || answer.status === 403) {
    throw new Error(
      `infrastructure request returned status ${answer.status}: check the service account token and its RBAC for config.openshift.io infrastructures/status`,
    )
  }
  if (answer.status >= 400 && answer.status <= 499) return undefined
  if (answer.status < 200 || answer.status > 299) throw new StatusError(url, answer)
  return objectOf(objectOf(JSON.parse(answer.text) as unknown)['status'])
}

function serverOf({ pod: { env } }: World): string {
  const [host, port] = [env['KUBERNETES_SERVICE_HOST'] ?? '', env['KUBERNETES_SERVICE_PORT'] ?? '']
  return host === '' || port === '' ? '' : `https://${isIPv6(host) ? `[${host}]` : host}:${port}`
}

async function ownToken({ pod, readFile }: World): Promise<string> {
  return (await readFile(join(pod.serviceAccount, 'token')).catch(() => '')).trim()
}

/** The pod's CA, unless the user chose another way to trust the server. */
async function tlsOf(tls: ClientTls, { pod, readFile }: World): Promise<https.RequestOptions> {
  const isOwn =
    JSON.stringify(tls) === tlsDefaults ||
    !(tls.insecure || tls.insecure_skip_verify || tls.include_system_ca_certs_pool || tls.ca_file || tls.ca_pem)
  const ca_pem = isOwn ? await readFile(join(pod.serviceAccount, 'ca.crt')) : tls.ca_pem
  return clientTls({ ...tls, ca_pem }) ?? {}
}
