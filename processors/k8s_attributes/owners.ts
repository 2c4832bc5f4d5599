/** Workloads: what is known of them, and what their names say where nothing is. */
import type { KubernetesObject } from '../../pipeline/kubernetes/object.ts'
import type { FieldSource } from './config.ts'
import { type Rules, setAnnotations, setLabels, type Texts } from './rules.ts'

/** Anything but a pod: its attributes, and who controls it. */
export interface Thing {
  readonly name: string
  readonly uid: string
  readonly attributes: ReadonlyMap<string, string>
  /** The Deployment of a ReplicaSet, the CronJob of a Job; empty for none. */
  readonly ownerName: string
  readonly ownerUid: string
}

const ownerKinds: Readonly<Record<string, string>> = { replicaset: 'Deployment', job: 'CronJob' }

export function thingOf(rules: Rules, from: FieldSource, { metadata = {} }: KubernetesObject): Thing {
  const attributes = new Map<string, string>()
  setLabels(rules, from, metadata.labels ?? {}, attributes)
  setAnnotations(rules, from, metadata.annotations ?? {}, attributes)
  const owner = metadata.ownerReferences?.find(
    ({ kind, controller }) => kind === ownerKinds[from] && controller === true,
  )
  return {
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    attributes,
    ownerName: owner?.name ?? '',
    ownerUid: owner?.uid ?? '',
  }
}

/** A Deployment names its ReplicaSets `<name>-<hash of the pod template>`; empty for a ReplicaSet that is nobody's. */
export function deploymentNameOf(replicaSet: string, labels: Texts): string {
  const hash = labels['pod-template-hash'] ?? ''
  return hash !== '' && replicaSet.endsWith(`-${hash}`) ? replicaSet.slice(0, -hash.length - 1) : ''
}

const dayMinutes = 24 * 60

/** A CronJob names its Jobs `<name>-<minute of their making>`; eight digits that are no such minute are somebody's own. */
export function cronJobNameOf(job: string, podCreated: string): string {
  const [, name, digits] = /^(.*)-(\d{8})$/.exec(job) ?? []
  if (name === undefined || digits === undefined) return ''
  const createdMinutes = Math.trunc(Date.parse(podCreated) / 60_000)
  return Math.abs(createdMinutes - Number(digits)) > dayMinutes || Number.isNaN(createdMinutes) ? '' : name
}
