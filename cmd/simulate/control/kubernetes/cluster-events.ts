/** What the parts of a cluster say about themselves: the last of it, as core/v1 and events.k8s.io/v1 have it. */
import type { Exports } from '../../telemetry/exports.ts'
import type { Instance } from '../../world/instance.ts'
import type { ChangeEvent, LogEvent } from '../../world/observer.ts'
import { type KubeObject, microTimeOf, timeOf } from './object.ts'
import type { Store } from './store.ts'
import { uidOf } from './store.ts'
import { replicaSetName, type Workloads } from './workloads.ts'

/** As many as an hour of a busy cluster; the oldest go first. */
const maxEvents = 1_000

interface About {
  readonly kind: string
  readonly apiVersion: string
  readonly name: string
  readonly namespace: string
  readonly uid: string
}

export class ClusterEvents {
  private readonly store: Store
  private readonly workloads: Workloads
  private readonly names: string[] = []
  private count = 0

  constructor(store: Store, workloads: Workloads, exports: Exports) {
    this.store = store
    this.workloads = workloads
    const { onChange, onLife } = exports
    exports.onChange = (event) => {
      onChange(event)
      this.changed(event)
    }
    exports.onLife = (instance, event) => {
      onLife(instance, event)
      this.lived(instance, event)
    }
  }

  private changed({ kind, service, node, text }: ChangeEvent): void {
    const { workloads } = this
    if (kind === 'node') {
      const machine = workloads.world.cluster.machines.find((one) => one.name === node)
      if (machine === undefined) return
      const { name, isUp, isCordoned } = machine
      const about = { kind: 'Node', apiVersion: 'v1', name, namespace: 'default', uid: workloads.nodeUid(machine) }
      const status = isUp ? (isCordoned ? 'NodeNotSchedulable' : 'NodeSchedulable') : 'NodeNotReady'
      this.add(about, isUp ? 'Normal' : 'Warning', status, `Node ${name} status is now: ${status}`)
      return
    }
    if (service === undefined || service.spec.kind === 'external') return
    const { name, revision } = service
    const about = {
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      name,
      namespace: workloads.namespaceOf(service),
      uid: workloads.deploymentUid(service),
    }
    if (kind === 'deploy' || kind === 'restart' || kind === 'scale') {
      const message = kind === 'scale' ? text : `${text}: replica set ${replicaSetName(service, revision)}`
      this.add(
        about,
        'Normal',
        kind === 'scale' ? 'ScalingReplicaSet' : kind === 'deploy' ? 'DeploymentUpdated' : 'DeploymentRestarted',
        message,
      )
    } else this.add(about, 'Normal', 'ConfigurationChanged', text)
  }

  private lived(instance: Instance, { what, detail }: Extract<LogEvent, { kind: 'life' }>): void {
    const { service, name, machine, restarts } = instance
    if (service.spec.kind === 'external') return
    const { workloads } = this
    const namespace = workloads.namespaceOf(service)
    const pod = { kind: 'Pod', apiVersion: 'v1', name, namespace, uid: workloads.podUid(name) }
    switch (what) {
      case 'started':
        this.add(pod, 'Normal', 'Started', `Started container ${service.name}`)
        return
      case 'stopping':
        this.add(pod, 'Normal', 'Killing', `Stopping container ${service.name}`)
        return
      case 'out of memory':
        this.add(pod, 'Warning', 'OOMKilled', `Container ${service.name} was killed on ${machine.name}: out of memory`)
        break
      case 'killed':
        this.add(pod, 'Warning', 'Killed', `Container ${service.name} ended with exit code 137`)
        break
      default:
        this.add(pod, 'Normal', what, detail)
        return
    }
    if (restarts > 0)
      this.add(pod, 'Warning', 'BackOff', `Back-off restarting failed container ${service.name} in pod ${name}`)
  }

  private add(about: About, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { world } = this.workloads
    const ms = world.startMs + world.schedule.now
    this.count++
    const name = `${about.name}.${(0x17f0_0000_0000 + this.count).toString(16)}`
    const { kind, apiVersion, name: aboutName, namespace, uid } = about
    const involved = { kind, apiVersion, name: aboutName, namespace, uid }
    const metadata = { name, namespace, uid: uidOf(`Event ${name}`), creationTimestamp: timeOf(ms) }
    const component = kind === 'Pod' ? 'kubelet' : kind === 'Node' ? 'node-controller' : 'deployment-controller'
    const core: KubeObject = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { ...metadata },
      involvedObject: involved,
      type,
      reason,
      message,
      source: { component },
      firstTimestamp: timeOf(ms),
      lastTimestamp: timeOf(ms),
      eventTime: microTimeOf(ms),
      count: 1,
      reportingComponent: component,
      reportingInstance: '',
    }
    const modern: KubeObject = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { ...metadata },
      regarding: involved,
      type,
      reason,
      note: message,
      action: reason,
      eventTime: microTimeOf(ms),
      reportingController: component,
      reportingInstance: component,
    }
    const key = `${namespace}/${name}`
    this.store.add('/events', key, core)
    this.store.add('events.k8s.io/events', key, modern)
    this.names.push(key)
    if (this.names.length <= maxEvents) return
    const oldest = this.names.shift()!
    this.store.drop('/events', oldest)
    this.store.drop('events.k8s.io/events', oldest)
  }
}
