/** Deployments, ReplicaSets, Pods, Nodes and autoscalers: what the world's services and machines look like to Kubernetes. */
import { createHash } from 'node:crypto'
import type { Instance } from '../../world/instance.ts'
import type { Machine } from '../../world/machine.ts'
import type { Revision, Service } from '../../world/service.ts'
import type { World } from '../../world/world.ts'
import { type Fields, type KubeObject, type OwnerReference, timeOf } from './object.ts'
import { uidOf } from './store.ts'

export const restartedAtKey = 'kubectl.kubernetes.io/restartedAt'
const revisionKey = 'deployment.kubernetes.io/revision'
const memoryPerNode = 64 * 1024 ** 3
const podsPerNode = 110

/** Draws the same world again and again; remembers what the world does not. */
export class Workloads {
  readonly world: World
  /** What clients wrote when they restarted. */
  readonly restartedAt = new WeakMap<Revision, string>()
  /** When a pod was made, however often its process was started again. */
  private podsSince = new Map<string, number>()

  constructor(world: World) {
    this.world = world
  }

  get services(): readonly Service[] {
    return [...this.world.services.values()].filter(({ spec }) => spec.kind !== 'external')
  }

  namespaceOf({ spec }: Service): string {
    return spec.namespace || this.world.topology.name
  }

  /** Whom a Deployment, ReplicaSet or autoscaler of that name stands for. */
  service(namespace: string, name: string): Service | undefined {
    const found = this.world.services.get(name)
    return found !== undefined && found.spec.kind !== 'external' && this.namespaceOf(found) === namespace
      ? found
      : undefined
  }

  instance(namespace: string, name: string): Instance | undefined {
    for (const service of this.services) {
      if (this.namespaceOf(service) !== namespace) continue
      const found = service.instances.find((one) => one.name === name)
      if (found !== undefined) return found
    }
    const waiting = this.world.cluster.waiting.get(name)
    return waiting !== undefined && this.namespaceOf(waiting.service) === namespace ? waiting : undefined
  }

  *namespaces(): Iterable<KubeObject> {
    for (const name of new Set(this.services.map((service) => this.namespaceOf(service)))) {
      yield {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: {
          name,
          uid: uidOf(`Namespace ${name}`),
          creationTimestamp: this.at(0),
          labels: { 'kubernetes.io/metadata.name': name },
        },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      }
    }
  }

  *deployments(): Iterable<KubeObject> {
    for (const service of this.services) {
      const { name, revision, ready } = service
      const live = service.instances.filter(({ isStopping }) => !isStopping)
      const replicas = this.world.cluster.replicas(service)
      const updated = live.filter((one) => one.revision === revision).length
      const isComplete = updated === replicas && ready.length === replicas && live.length === replicas
      const condition = (type: string, isTrue: boolean, reason: string) => ({
        type,
        status: isTrue ? 'True' : 'False',
        reason,
        message: reason,
        lastTransitionTime: this.at(revision.createdMs),
        lastUpdateTime: this.at(revision.createdMs),
      })
      yield {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: {
          name,
          namespace: this.namespaceOf(service),
          uid: this.deploymentUid(service),
          creationTimestamp: this.at(0),
          labels: { app: name },
          annotations: { [revisionKey]: String(revision.number) },
        },
        spec: {
          replicas,
          selector: { matchLabels: { app: name } },
          template: this.template(service, revision),
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
          revisionHistoryLimit: 10,
          progressDeadlineSeconds: 600,
        },
        status: {
          observedGeneration: 0,
          replicas: live.length,
          updatedReplicas: updated,
          readyReplicas: ready.length,
          availableReplicas: ready.length,
          unavailableReplicas: Math.max(0, replicas - ready.length),
          conditions: [
            condition('Available', ready.length >= Math.max(1, replicas - 1), 'MinimumReplicasAvailable'),
            condition('Progressing', true, isComplete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated'),
          ],
        },
      }
    }
  }

  *replicaSets(): Iterable<KubeObject> {
    for (const service of this.services) {
      for (const revision of service.revisions) {
        const pods = service.instances.filter((one) => one.revision === revision && !one.isStopping)
        const hash = hashOf(service, revision)
        const template = this.template(service, revision)
        const labels = { app: service.name, 'pod-template-hash': hash }
        yield {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          metadata: {
            name: replicaSetName(service, revision),
            namespace: this.namespaceOf(service),
            uid: this.replicaSetUid(service, revision),
            creationTimestamp: this.at(revision.createdMs),
            labels,
            annotations: { [revisionKey]: String(revision.number) },
            ownerReferences: [owner('apps/v1', 'Deployment', service.name, this.deploymentUid(service))],
          },
          spec: {
            replicas: pods.length,
            selector: { matchLabels: labels },
            template: { ...template, metadata: { ...(template.metadata as Fields), labels } },
          },
          status: {
            observedGeneration: 0,
            replicas: pods.length,
            fullyLabeledReplicas: pods.length,
            readyReplicas: pods.filter(({ isReady }) => isReady).length,
            availableReplicas: pods.filter(({ isReady }) => isReady).length,
          },
        }
      }
    }
  }

  *pods(): Iterable<KubeObject> {
    const since = new Map<string, number>()
    const one = (instance: Instance, isWaiting: boolean) => {
      const madeMs = this.podsSince.get(instance.name) ?? instance.createdMs
      since.set(instance.name, madeMs)
      return this.pod(instance, madeMs, isWaiting)
    }
    for (const { instances } of this.services) for (const instance of instances) yield one(instance, false)
    for (const [name, instance] of this.world.cluster.waiting) {
      if (!since.has(name)) yield one(instance, true)
    }
    this.podsSince = since
  }

  *nodes(): Iterable<KubeObject> {
    for (const machine of this.world.cluster.machines) {
      const { name, cores, isUp, isCordoned } = machine
      const resources = { cpu: quantity(cores), memory: bytesOf(memoryPerNode), pods: String(podsPerNode) }
      yield {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: {
          name,
          uid: uidOf(`Node ${name}`),
          creationTimestamp: this.at(0),
          labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
          annotations: {},
        },
        spec: isCordoned
          ? { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] }
          : {},
        status: {
          capacity: resources,
          allocatable: resources,
          conditions: [
            {
              type: 'Ready',
              status: isUp ? 'True' : 'Unknown',
              reason: isUp ? 'KubeletReady' : 'NodeStatusUnknown',
              message: isUp ? 'kubelet is posting ready status' : 'Kubelet stopped posting node status.',
              lastHeartbeatTime: this.at(0),
              lastTransitionTime: this.at(0),
            },
          ],
          addresses: [{ type: 'Hostname', address: name }],
        },
      }
    }
  }

  *autoscalers(): Iterable<KubeObject> {
    for (const service of this.services) {
      const { name, autoscale } = service
      if (autoscale === undefined) continue
      const replicas = this.world.cluster.replicas(service)
      yield {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: {
          name,
          namespace: this.namespaceOf(service),
          uid: uidOf(`HorizontalPodAutoscaler ${name}`),
          creationTimestamp: this.at(0),
          labels: { app: name },
          annotations: {},
        },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
          minReplicas: autoscale.min,
          maxReplicas: autoscale.max,
          metrics: [
            {
              type: 'Resource',
              resource: {
                name: 'cpu',
                target: { type: 'Utilization', averageUtilization: Math.round(autoscale.cpu * 100) },
              },
            },
          ],
        },
        status: {
          observedGeneration: 0,
          currentReplicas: service.instances.filter(({ isStopping }) => !isStopping).length,
          desiredReplicas: replicas,
          currentMetrics: [],
          conditions: [],
        },
      }
    }
  }

  /** Of each service with more than one instance: one of them may be missing. */
  *disruptionBudgets(): Iterable<KubeObject> {
    for (const service of this.services) {
      const { name, ready } = service
      const replicas = this.world.cluster.replicas(service)
      if (replicas <= 1) continue
      yield {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: {
          name,
          namespace: this.namespaceOf(service),
          uid: uidOf(`PodDisruptionBudget ${name}`),
          creationTimestamp: this.at(0),
          labels: { app: name },
          annotations: {},
        },
        spec: { maxUnavailable: 1, selector: { matchLabels: { app: name } } },
        status: {
          observedGeneration: 0,
          expectedPods: replicas,
          desiredHealthy: replicas - 1,
          currentHealthy: ready.length,
          disruptionsAllowed: Math.max(0, ready.length - replicas + 1),
        },
      }
    }
  }

  /** Of a revision, as its ReplicaSet and its Deployment have it. */
  template(service: Service, revision: Revision): Fields {
    const { name, spec } = service
    const restarted = this.restartedAt.get(revision) ?? (revision.restart > 0 ? this.at(revision.createdMs) : undefined)
    return {
      metadata: {
        labels: { app: name },
        ...(restarted === undefined ? {} : { annotations: { [restartedAtKey]: restarted } }),
      },
      spec: {
        containers: [
          {
            name,
            image: imageOf(name, revision.version.name),
            ports: [{ containerPort: 8080 }],
            resources: { limits: { cpu: quantity(spec.cores), memory: bytesOf(spec.memory) } },
          },
        ],
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 5,
      },
    }
  }

  deploymentUid(service: Service): string {
    return uidOf(`Deployment ${service.name}`)
  }

  podUid(name: string): string {
    return uidOf(`Pod ${name}`)
  }

  nodeUid({ name }: Machine): string {
    return uidOf(`Node ${name}`)
  }

  /** Of the world. */
  at(ms: number): string {
    return timeOf(this.world.startMs + ms)
  }

  private replicaSetUid(service: Service, revision: Revision): string {
    return uidOf(`ReplicaSet ${replicaSetName(service, revision)}`)
  }

  private pod(instance: Instance, madeMs: number, isWaiting: boolean): KubeObject {
    const { service, revision, name, machine, isReady, isStopping, restarts, lastEnd, createdMs } = instance
    const template = this.template(service, revision)
    const hash = hashOf(service, revision)
    const ended =
      lastEnd === undefined
        ? {}
        : {
            terminated: {
              reason: lastEnd.reason === 'out of memory' ? 'OOMKilled' : 'Error',
              exitCode: 137,
              finishedAt: this.at(lastEnd.atMs),
            },
          }
    const isTrue = (value: boolean) => (value ? 'True' : 'False')
    const spec = template.spec as Fields
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: this.namespaceOf(service),
        uid: this.podUid(name),
        creationTimestamp: this.at(madeMs),
        ...(isStopping
          ? { deletionTimestamp: this.at(instance.stoppingSinceMs + 5_000), deletionGracePeriodSeconds: 5 }
          : {}),
        labels: { app: service.name, 'pod-template-hash': hash },
        annotations: {},
        ownerReferences: [
          owner('apps/v1', 'ReplicaSet', replicaSetName(service, revision), this.replicaSetUid(service, revision)),
        ],
      },
      spec: { ...spec, nodeName: machine.name },
      status: {
        phase: 'Running',
        startTime: this.at(madeMs),
        conditions: [
          { type: 'PodScheduled', status: 'True' },
          { type: 'Initialized', status: 'True' },
          { type: 'ContainersReady', status: isTrue(isReady) },
          { type: 'Ready', status: isTrue(isReady) },
        ],
        containerStatuses: [
          {
            name: service.name,
            image: imageOf(service.name, revision.version.name),
            imageID: '',
            ready: isReady,
            started: isReady,
            // The one that waits counts already.
            restartCount: isWaiting ? restarts + 1 : restarts,
            state: isWaiting
              ? { waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' } }
              : { running: { startedAt: this.at(createdMs) } },
            lastState: ended,
          },
        ],
      },
    }
  }
}

/** As Go's clients write it back: whoever reads and writes the same must not seem to change it. */
function quantity(value: number): string {
  return Number.isInteger(value) ? String(value) : `${Math.round(value * 1_000)}m`
}

function bytesOf(value: number): string {
  const whole = Math.round(value)
  const suffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti']
  let i = 0
  let rest = whole
  while (rest % 1024 === 0 && rest > 0 && i < suffixes.length - 1) {
    rest /= 1024
    i++
  }
  return `${rest}${suffixes[i]}`
}

export function imageOf(service: string, version: string): string {
  return `registry.local/${service}:${version}`
}

/** Of an image, what stands behind the last colon. */
export function versionOf(image: unknown): string | undefined {
  if (typeof image !== 'string') return undefined
  return /:([^:/@]+)$/.exec(image)?.[1]
}

export function replicaSetName(service: Service, revision: Revision): string {
  return `${service.name}-${hashOf(service, revision)}`
}

function hashOf({ name }: Service, { version, restart }: Revision): string {
  return createHash('sha256').update(`${name} ${version.name} ${restart}`).digest('hex').slice(0, 10)
}

function owner(apiVersion: string, kind: string, name: string, uid: string): OwnerReference {
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }
}
