/** A pod as the API says it, cut down to what the rules and the association may ask. This is what is kept of each pod. */
import type { KubernetesObject, OwnerReference } from '../../pipeline/kubernetes/object.ts'
import { type Rules, reads, type Texts } from './rules.ts'

export interface ApiContainer {
  readonly name: string
  readonly image: string
}
export interface ApiStatus {
  readonly name: string
  readonly containerId: string
  readonly imageId: string
  readonly restartCount: number
}
export interface ApiPod {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly ip: string
  readonly startedMs: number | undefined
  readonly created: string
  readonly hostname: string
  readonly hostNetwork: boolean
  readonly nodeName: string
  readonly isIgnored: boolean
  readonly labels: Texts
  readonly annotations: Texts
  readonly owners: readonly OwnerReference[]
  readonly containers: readonly ApiContainer[]
  readonly statuses: readonly ApiStatus[]
}

interface Wire extends KubernetesObject {
  readonly spec?: {
    readonly nodeName?: string
    readonly hostname?: string
    readonly hostNetwork?: boolean
    readonly containers?: readonly { readonly name: string; readonly image?: string }[]
    readonly initContainers?: readonly { readonly name: string; readonly image?: string }[]
  }
  readonly status?: {
    readonly podIP?: string
    readonly startTime?: string
    readonly containerStatuses?: readonly WireStatus[]
    readonly initContainerStatuses?: readonly WireStatus[]
  }
}
interface WireStatus {
  readonly name: string
  readonly containerID?: string
  readonly imageID?: string
  readonly restartCount?: number
}

const ignoreAnnotation = 'opentelemetry.io/k8s-processor/ignore'
const none: Texts = {}

export function wantsContainers({ wants }: Rules): boolean {
  return wants(
    'container.image.name',
    'k8s.container.name',
    'container.image.tag',
    'container.image.tags',
    'container.image.repo_digests',
    'container.id',
    'service.version',
    'service.instance.id',
  )
}
const ownerKinds = ['cronjob', 'deployment', 'daemonset', 'job', 'replicaset', 'statefulset'] as const

export function trimPod(object: KubernetesObject, rules: Rules): ApiPod {
  const { metadata = {}, spec = {}, status = {} } = object as Wire
  const { wants } = rules
  const ofOwners = ownerKinds.flatMap((kind) => [`k8s.${kind}.name`, `k8s.${kind}.uid`])
  const hasLabels = rules.labels.length > 0 || wants('service.name', 'service.version', 'k8s.deployment.name')
  const hasOwners = wants(...ofOwners, 'service.name') || reads(rules, ...ownerKinds)
  const hasContainers = wantsContainers(rules)
  return {
    name: metadata.name ?? '',
    namespace: metadata.namespace ?? '',
    uid: metadata.uid ?? '',
    ip: status.podIP ?? '',
    startedMs: status.startTime === undefined ? undefined : Date.parse(status.startTime),
    created: metadata.creationTimestamp ?? '',
    hostname: spec.hostname ?? '',
    hostNetwork: spec.hostNetwork ?? false,
    nodeName: wants('k8s.node.name', 'k8s.node.uid') || reads(rules, 'node') ? (spec.nodeName ?? '') : '',
    isIgnored: metadata.annotations?.[ignoreAnnotation]?.trim().toLowerCase() === 'true',
    labels: hasLabels ? (metadata.labels ?? none) : none,
    annotations: rules.annotations.length > 0 ? (metadata.annotations ?? none) : none,
    owners: hasOwners ? (metadata.ownerReferences ?? []).map(({ kind, name, uid }) => ({ kind, name, uid })) : [],
    containers: hasContainers
      ? [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name, image = '' }) => ({ name, image }))
      : [],
    statuses: hasContainers
      ? [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].map(trimStatus)
      : [],
  }
}

function trimStatus({ name, containerID = '', imageID = '', restartCount = 0 }: WireStatus): ApiStatus {
  return { name, containerId: containerID, imageId: imageID, restartCount }
}
