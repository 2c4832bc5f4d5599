import { z } from 'zod'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { type KubernetesSettings, kubernetesProblem, kubernetesShape } from '../../../pipeline/kubernetes/api-keys.ts'
import { ApiError } from '../../../pipeline/kubernetes/kubernetes-api.ts'
import {
  attributeSwitches,
  type Detector,
  defineDetector,
  Found,
  nothing,
  type Switches,
  type World,
} from '../detector.ts'
import { objectOf, textOf } from './json-metadata.ts'
import { mayReachCluster, notInKubernetes, withCluster } from './kubernetes-client.ts'

const config = z
  .strictObject({
    ...kubernetesShape,
    node_from_env_var: z
      .string()
      .default('')
      .describe('The variable that holds the name of the node; empty = K8S_NODE_NAME.'),
    resource_attributes: attributeSwitches({
      'host.id': false,
      'k8s.cluster.uid': true,
      'k8s.node.name': true,
      'k8s.node.uid': true,
    }),
  })
  .superRefine((settings, context) => {
    const message = kubernetesProblem(settings)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

/** The node that we run on, and its cluster. */
export default defineDetector({ type: 'k8s_api', config, create: newDetector })

/** The name that `k8s_api` had before. */
export const k8sNode = defineDetector({
  type: 'k8snode',
  config,
  create(settings, world) {
    world.logger.warn('the k8snode detector name is deprecated, use k8s_api instead')
    return newDetector(settings, world)
  },
})

type Settings = KubernetesSettings & {
  readonly node_from_env_var: string
  readonly resource_attributes: Switches
}

function newDetector(settings: Settings, world: World): Detector {
  const isOn = (name: string) => settings.resource_attributes[name]?.enabled === true
  const unavailable = (reason: string) => {
    if (world.mustFind) throw new Error(`k8s node metadata unavailable: ${reason}`)
    world.logger.debug('Kubernetes node metadata is unavailable', { error: reason })
    return nothing
  }
  return {
    async detect(signal) {
      if (!mayReachCluster(settings, world)) return unavailable(notInKubernetes)
      const node = world.env[settings.node_from_env_var || 'K8S_NODE_NAME'] ?? ''
      if (node === '')
        return unavailable("node name can't be found. Check the readme on how to set the required env variable")
      return withCluster(settings, world, signal, async (get) => {
        const found = new Found(settings.resource_attributes)
        if (isOn('k8s.node.uid') || isOn('k8s.node.name') || isOn('host.id')) {
          try {
            const object = await get(`/api/v1/nodes/${encodeURIComponent(node)}`)
            const metadata = objectOf(object['metadata'])
            found.set('k8s.node.uid', textOf(metadata['uid']))
            found.set('k8s.node.name', textOf(metadata['name']))
            const info = objectOf(objectOf(object['status'])['nodeInfo'])
            found.setUnlessEmpty('host.id', textOf(info['machineID']))
          } catch (error) {
            return unavailable(`failed to fetch node with name ${node} from K8s API: ${errorMessage(error)}`)
          }
        }
        if (isOn('k8s.cluster.uid')) {
          try {
            const { metadata } = await get('/api/v1/namespaces/kube-system')
            const uid = textOf(objectOf(metadata)['uid'])
            if (uid === '') throw new Error('kube-system namespace UID is empty')
            found.set('k8s.cluster.uid', uid)
          } catch (error) {
            const isForbidden = error instanceof ApiError && (error.code === 403 || error.code === 401)
            if (!isForbidden)
              throw new Error(`failed getting k8s cluster UID: ${errorMessage(error)}`, { cause: error })
            world.logger.warn(
              'may not read the namespace kube-system, so k8s.cluster.uid is left out; grant get on it, or switch the attribute off',
              { error: errorMessage(error) },
            )
          }
        }
        return found.done()
      })
    },
  }
}
