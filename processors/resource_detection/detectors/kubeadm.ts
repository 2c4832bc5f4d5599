import { parse } from 'yaml'
import { z } from 'zod'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { kubernetesProblem, kubernetesShape } from '../../../pipeline/kubernetes/api-keys.ts'
import { ApiError } from '../../../pipeline/kubernetes/kubernetes-api.ts'
import { attributeSwitches, defineDetector, Found, nothing, type World } from '../detector.ts'
import { type JsonObject, objectOf, textOf } from './json-metadata.ts'
import { mayReachCluster, notInKubernetes, withCluster } from './kubernetes-client.ts'

/** Clusters made by kubeadm, which keeps their name in a ConfigMap. */
export default defineDetector({
  type: 'kubeadm',
  config: z
    .strictObject({
      ...kubernetesShape,
      resource_attributes: attributeSwitches({ 'k8s.cluster.name': true, 'k8s.cluster.uid': true }),
    })
    .superRefine((settings, context) => {
      const message = kubernetesProblem(settings)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    }),
  create: (settings, world) => ({
    async detect(signal) {
      if (!mayReachCluster(settings, world)) {
        if (world.mustFind) throw new Error(notInKubernetes)
        return nothing
      }
      return withCluster(settings, world, signal, async (get) => {
        const map = await get('/api/v1/namespaces/kube-system/configmaps/kubeadm-config').catch((error: unknown) =>
          absent(error, world),
        )
        if (map === undefined) return nothing
        const found = new Found(settings.resource_attributes)
        await part(world, async () => {
          const text = objectOf(map['data'])['ClusterConfiguration']
          if (typeof text !== 'string')
            throw new Error('ClusterConfiguration key not found in ConfigMap kubeadm-config')
          found.set('k8s.cluster.name', textOf(objectOf(parse(text) as unknown)['clusterName']))
        })
        await part(world, async () => {
          const { metadata } = await get('/api/v1/namespaces/kube-system')
          found.set('k8s.cluster.uid', textOf(objectOf(metadata)['uid']))
        })
        return found.done()
      })
    },
  }),
})

/** A cluster without that ConfigMap was not made by kubeadm; one that does not let us see it may have been. */
function absent(error: unknown, world: World): JsonObject | undefined {
  const isMissing = error instanceof ApiError && error.code === 404
  if (world.mustFind)
    throw isMissing
      ? new Error('kubeadm metadata unavailable')
      : new Error(`kubeadm metadata incomplete: ${errorMessage(error)}`)
  world.logger.debug('kubeadm metadata is unavailable', { error: errorMessage(error) })
  return undefined
}

async function part(world: World, set: () => Promise<void>): Promise<void> {
  try {
    await set()
  } catch (error) {
    if (world.mustFind) throw new Error(`kubeadm metadata incomplete: ${errorMessage(error)}`, { cause: error })
    world.logger.debug('kubeadm metadata is incomplete', { error: errorMessage(error) })
  }
}
