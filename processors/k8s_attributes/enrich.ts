/** Says of a resource what is known of its pod. What the resource says itself stays. */
import type { EditableAttributes } from '../../pipeline/data/telemetry.ts'
import { type Association, type Identifier, textAttribute } from './association.ts'
import type { ClusterCache } from './cluster-cache.ts'
import type { FieldSource } from './config.ts'
import type { Container } from './containers.ts'
import type { Pod } from './pod.ts'
import type { Rules } from './rules.ts'

export interface Enrichment {
  readonly rules: Rules
  readonly association: Association
  readonly cache: ClusterCache
  /** Of each resource: whether its pod was found. */
  readonly count: (isFound: boolean, identifier: Identifier) => void
  readonly missed: () => void
}

const workloads: readonly (readonly [kind: FieldSource, attribute: string, uid: keyof Pod & `${string}Uid`])[] = [
  ['deployment', 'k8s.deployment.uid', 'deploymentUid'],
  ['replicaset', 'k8s.replicaset.uid', 'replicaSetUid'],
  ['statefulset', 'k8s.statefulset.uid', 'statefulSetUid'],
  ['daemonset', 'k8s.daemonset.uid', 'daemonSetUid'],
  ['job', 'k8s.job.uid', 'jobUid'],
  ['cronjob', 'k8s.cronjob.uid', 'cronJobUid'],
]

export function enrich(
  attributes: EditableAttributes,
  sender: string,
  { rules, association, cache, count, missed }: Enrichment,
): void {
  const identifier = association.identify(attributes, sender)
  if (identifier.connection !== '' && rules.wants('k8s.pod.ip'))
    setIfEmpty(attributes, 'k8s.pod.ip', identifier.connection)
  const filed = identifier.key === '' ? undefined : cache.pod(identifier.key)
  if (filed === undefined && identifier.key !== '') missed()
  const pod = filed?.isIgnored === true ? undefined : filed
  count(pod !== undefined, identifier)
  if (pod !== undefined) {
    for (const [name, value] of pod.attributes) setIfEmpty(attributes, name, value)
    setContainer(attributes, pod)
  }

  const namespace = pod?.namespace || textAttribute(attributes, 'k8s.namespace.name')
  if (namespace !== '') {
    setAll(attributes, cache.namespace(namespace)?.attributes)
    if (rules.wants('service.namespace')) setIfEmpty(attributes, 'service.namespace', namespace)
  }
  const nodeName = pod?.nodeName || textAttribute(attributes, 'k8s.node.name')
  const node = nodeName === '' ? undefined : cache.thing('node', nodeName)
  if (node !== undefined) {
    setAll(attributes, node.attributes)
    if (node.uid !== '' && rules.wants('k8s.node.uid')) setIfEmpty(attributes, 'k8s.node.uid', node.uid)
  }
  for (const [kind, name, uidOf] of workloads) {
    const uid = pod?.[uidOf] || textAttribute(attributes, name)
    if (uid !== '') setAll(attributes, cache.thing(kind, uid)?.attributes)
  }
}

function setAll(attributes: EditableAttributes, values: ReadonlyMap<string, string> | undefined): void {
  if (values !== undefined) for (const [name, value] of values) setIfEmpty(attributes, name, value)
}

/** What is there and says something stays. */
export function setIfEmpty(attributes: EditableAttributes, name: string, value: string): void {
  const there = attributes.get(name)
  const isEmpty = there === undefined || there === null || there === ''
  if (isEmpty || (there instanceof Uint8Array && there.length === 0)) attributes.set(name, value)
}

function setContainer(attributes: EditableAttributes, pod: Pod): void {
  const container = containerOf(attributes, pod)
  if (container === undefined) return
  const set = (name: string, value: string) => {
    if (value !== '') setIfEmpty(attributes, name, value)
  }
  set('k8s.container.name', container.name)
  set('container.image.name', container.imageName)
  set('container.image.tag', container.imageTag)
  if (container.imageTags.length > 0 && !attributes.has('container.image.tags'))
    attributes.set('container.image.tags', container.imageTags)
  set('service.instance.id', container.serviceInstanceId)
  set('service.version', container.serviceVersion)
  const run = container.runs.get(runOf(attributes, container))
  if (run === undefined) return
  if (run.containerId !== '' && !attributes.has('container.id')) attributes.set('container.id', run.containerId)
  if (run.imageRepoDigest !== '' && !attributes.has('container.image.repo_digests'))
    attributes.set('container.image.repo_digests', [run.imageRepoDigest])
}

/** The one that the resource names, or the only one. */
function containerOf(attributes: EditableAttributes, { containers: { byName, byId } }: Pod): Container | undefined {
  const name = textAttribute(attributes, 'k8s.container.name')
  if (name !== '') return byName.get(name)
  const id = textAttribute(attributes, 'container.id')
  if (id !== '') return byId.get(id)
  const only = byId.size === 1 ? byId : byName.size === 1 ? byName : undefined
  return only?.values().next().value
}

/** By the restart count that the resource says, or the latest; -1 for one that says something else. */
function runOf(attributes: EditableAttributes, { runs }: Container): number {
  const count = attributes.get('k8s.container.restart_count')
  if (count === undefined) return Math.max(-1, ...runs.keys())
  if (typeof count === 'number') return count
  return typeof count === 'string' && /^[+-]?\d+$/.test(count) ? Number(count) : -1
}
