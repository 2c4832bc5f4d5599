import { z } from 'zod'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { kubernetesProblem, kubernetesShape } from '../../../pipeline/kubernetes/api-keys.ts'
import { attributeSwitches, type Detected, defineDetector, Found, nothing, type World } from '../detector.ts'
import { type DescribedInstance, describeInstance } from './ec2-api.ts'
import { openImds } from './imds.ts'
import { type JsonObject, objectOf, textOf } from './json-metadata.ts'
import { mayReachCluster, notInKubernetes, withCluster } from './kubernetes-client.ts'

type Get = (path: string) => Promise<JsonObject>

/** AWS EKS: Kubernetes with an issuer or a version of Amazon's. What the instance metadata hides from pods, the APIs say. */
export default defineDetector({
  type: 'eks',
  config: z
    .strictObject({
      ...kubernetesShape,
      node_from_env_var: z
        .string()
        .default('')
        .describe('The variable that holds the name of the node, for where the instance metadata cannot be reached.'),
      resource_attributes: attributeSwitches({
        'cloud.account.id': false,
        'cloud.availability_zone': false,
        'cloud.platform': true,
        'cloud.provider': true,
        'cloud.region': false,
        'host.id': false,
        'host.image.id': false,
        'host.name': false,
        'host.type': false,
        'k8s.cluster.name': false,
      }),
    })
    .superRefine((settings, context) => {
      const message = kubernetesProblem(settings)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    }),
  create: (settings, world) => {
    const isOn = (name: string) => settings.resource_attributes[name]?.enabled === true
    const missing = (reason: string): Detected => {
      if (world.mustFind) throw new Error(`eks metadata unavailable: ${reason}`)
      world.logger.debug('EKS metadata is unavailable', { error: reason })
      return nothing
    }
    const fromImds = async (found: Found, signal: AbortSignal): Promise<void> => {
      const imds = openImds(world, { maxAttempts: 3, maxBackoffMs: 20_000 }, signal)
      const instance = await imds.document()
      found.set('host.id', instance.instanceId)
      found.set('cloud.availability_zone', instance.availabilityZone)
      found.set('cloud.region', instance.region)
      found.set('cloud.account.id', instance.accountId)
      found.set('host.image.id', instance.imageId)
      found.set('host.type', instance.instanceType)
      found.set('host.name', await imds.metadata('hostname'))
      if (isOn('k8s.cluster.name'))
        found.set('k8s.cluster.name', clusterOf(await describeInstance(world, imds, instance, signal)))
    }
    const fromApis = async (found: Found, get: Get, signal: AbortSignal): Promise<void> => {
      const node = settings.node_from_env_var === '' ? '' : (world.env[settings.node_from_env_var] ?? '')
      if (node === '') throw new Error("can't get K8s Instance Metadata; node name is empty")
      const id = textOf(objectOf((await get(`/api/v1/nodes/${encodeURIComponent(node)}`))['spec'])['providerID'])
      const place = placeOf(id)
      if (place === undefined) throw new Error(`failed to retrieve region or instanceId from providerID: ${id}`)
      found.set('host.id', place.instanceId)
      found.set('cloud.availability_zone', place.zone)
      found.set('cloud.region', place.region)
      const imds = openImds(world, { maxAttempts: 1, maxBackoffMs: 0 }, signal)
      const instance = await describeInstance(world, imds, place, signal)
      found.set('cloud.account.id', instance?.accountId ?? '')
      found.set('host.image.id', instance?.imageId ?? '')
      found.set('host.type', instance?.instanceType ?? '')
      found.set('host.name', instance?.hostname ?? '')
      found.set('k8s.cluster.name', clusterOf(instance))
    }
    return {
      async detect(signal) {
        if ((world.env['KUBERNETES_SERVICE_HOST'] ?? '') === '') return missing('not running on EKS')
        if (!mayReachCluster(settings, world)) return missing(notInKubernetes)
        return withCluster(settings, world, signal, async (get) => {
          const reason = await isEks(world, get).then((isIt) => (isIt ? undefined : 'not running on EKS'), errorMessage)
          if (reason !== undefined) return missing(reason)
          const found = new Found(settings.resource_attributes)
          found.set('cloud.provider', 'aws')
          found.set('cloud.platform', 'aws_eks')
          try {
            const probe = openImds(world, { maxAttempts: 1, maxBackoffMs: 0 }, signal)
            const hasImds = await probe.metadata('instance-id').then(
              () => true,
              () => false,
            )
            await (hasImds ? fromImds(found, signal) : fromApis(found, get, signal))
          } catch (error) {
            if (world.mustFind) throw error
            world.logger.debug('EKS metadata is incomplete', { error: errorMessage(error) })
          }
          return found.done()
        })
      },
    }
  },
})

async function isEks({ env }: World, get: Get): Promise<boolean> {
  if (env['AWS_WEB_IDENTITY_TOKEN_FILE']?.includes('eks.amazonaws.com') === true) return true
  if (env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']?.includes('eks-pod-identity') === true) return true
  const issuer = await get('/.well-known/openid-configuration').then(
    (configuration) => textOf(configuration['issuer']),
    () => '',
  )
  if (issuer.includes('oidc.eks.')) return true
  const version = await get('/version').catch((error: unknown) => {
    throw new Error(`isEks() error retrieving cluster version: ${errorMessage(error)}`, { cause: error })
  })
  return textOf(version['gitVersion']).includes('-eks-')
}

/** `aws:///us-west-2a/i-049ca2df511bec762`. */
function placeOf(providerId: string): { region: string; zone: string; instanceId: string } | undefined {
  const parts = providerId.split('/')
  const [zone = '', instanceId = ''] = parts.slice(3)
  if (parts[0] !== 'aws:' || zone === '' || instanceId === '') return undefined
  return { region: zone.slice(0, -1), zone, instanceId }
}

/** By the tags that EKS and the older tools put on the instances of a cluster. */
function clusterOf(instance: DescribedInstance | undefined): string {
  for (const [key, value] of instance?.tags ?? []) {
    if (key === 'aws:eks:cluster-name' || key === 'eks:cluster-name') return value
    if (key.startsWith('kubernetes.io/cluster/')) return key.slice('kubernetes.io/cluster/'.length)
  }
  return ''
}
