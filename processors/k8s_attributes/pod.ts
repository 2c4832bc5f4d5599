/** A pod as data is enriched with it. */
import type { ApiPod } from './api-pod.ts'
import { type Containers, containersOf } from './containers.ts'
import { cronJobNameOf, deploymentNameOf, type Thing } from './owners.ts'
import { type Rules, setAnnotations, setLabels } from './rules.ts'

export interface Pod {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly ip: string
  readonly startedMs: number | undefined
  readonly hostNetwork: boolean
  readonly nodeName: string
  readonly isIgnored: boolean
  readonly deploymentUid: string
  readonly replicaSetUid: string
  readonly statefulSetUid: string
  readonly daemonSetUid: string
  readonly jobUid: string
  readonly cronJobUid: string
  readonly attributes: ReadonlyMap<string, string>
  readonly containers: Containers
}
/** What else is known of the cluster. */
export interface Known {
  replicaSet(uid: string): Thing | undefined
  job(uid: string): Thing | undefined
  namespace(name: string): Thing | undefined
}

export function podOf(api: ApiPod, rules: Rules, known: Known, isExcluded: (name: string) => boolean): Pod {
  const ownerUid = (kind: string) => api.owners.find((owner) => owner.kind === kind)?.uid ?? ''
  const replicaSetUid = ownerUid('ReplicaSet')
  const jobUid = ownerUid('Job')
  const isIgnored = api.isIgnored || isExcluded(api.name)
  return {
    name: api.name,
    namespace: api.namespace,
    uid: api.uid,
    ip: api.ip,
    startedMs: api.startedMs,
    hostNetwork: api.hostNetwork,
    nodeName: api.nodeName,
    isIgnored,
    replicaSetUid,
    deploymentUid: known.replicaSet(replicaSetUid)?.ownerUid ?? '',
    statefulSetUid: ownerUid('StatefulSet'),
    daemonSetUid: ownerUid('DaemonSet'),
    jobUid,
    cronJobUid: known.job(jobUid)?.ownerUid ?? '',
    attributes: isIgnored ? new Map() : attributesOf(api, rules, known),
    containers: containersOf(api, rules),
  }
}

function attributesOf(api: ApiPod, rules: Rules, known: Known): ReadonlyMap<string, string> {
  const { wants } = rules
  const found = new Map<string, string>()
  const set = (name: string, value: string) => {
    if (wants(name)) found.set(name, value)
  }
  set('k8s.pod.name', api.name)
  set('service.name', api.name)
  set('k8s.pod.hostname', api.hostname)
  set('k8s.pod.ip', api.ip)
  set('k8s.namespace.name', api.namespace)
  set('service.namespace', api.namespace)
  if (api.created !== '') set('k8s.pod.start_time', api.created)
  set('k8s.pod.uid', api.uid)
  setOwners(api, known, set)
  set('k8s.node.name', api.nodeName)
  if (wants('k8s.cluster.uid')) {
    const cluster = known.namespace('kube-system')
    if (cluster !== undefined) found.set('k8s.cluster.uid', cluster.uid)
  }
  setLabels(rules, 'pod', api.labels, found)
  // Of these two, the instance is right.
  for (const label of ['app.kubernetes.io/name', 'app.kubernetes.io/instance'])
    if (api.labels[label] !== undefined) set('service.name', api.labels[label])
  const version = api.labels['app.kubernetes.io/version']
  if (version !== undefined) set('service.version', version)
  // Last, so that `resource.opentelemetry.io/service.name` is right before every label.
  setAnnotations(rules, 'pod', api.annotations, found)
  return found
}

function setOwners(api: ApiPod, known: Known, set: (name: string, value: string) => void): void {
  for (const { kind, name, uid } of api.owners) {
    const lower = kind.toLowerCase()
    if (!['ReplicaSet', 'DaemonSet', 'StatefulSet', 'Job'].includes(kind)) continue
    set(`k8s.${lower}.uid`, uid)
    set(`k8s.${lower}.name`, name)
    set('service.name', name)
    if (kind === 'ReplicaSet') {
      const replicaSet = known.replicaSet(uid)
      setHead('deployment', replicaSet?.ownerName ?? deploymentNameOf(name, api.labels), replicaSet?.ownerUid, set)
    } else if (kind === 'Job') {
      const job = known.job(uid)
      setHead('cronjob', job?.ownerName ?? cronJobNameOf(name, api.created), job?.ownerUid, set)
    }
  }
}

/** Who stands above the owner gives the service its name. */
function setHead(kind: string, name: string, uid: string | undefined, set: (name: string, value: string) => void) {
  if (name !== '') {
    set(`k8s.${kind}.name`, name)
    set('service.name', name)
  }
  if (uid !== undefined && uid !== '') set(`k8s.${kind}.uid`, uid)
}
