/** Instances come and go: start, stop, crash, deploy, scale, and machines that fail. As a Kubernetes cluster does it, with its delays. */
import type { Guard } from './guard.ts'
import { Instance } from './instance.ts'
import { Machine } from './machine.ts'
import type { Revision, Service } from './service.ts'
import type { World } from './world.ts'

const drainMs = 5_000
const crashBackoffMs = 10_000
const maxCrashBackoffMs = 300_000
/** How often instances are looked at: what they use, and whether it is too much. */
export const tickMs = 1_000
const autoscaleMs = 15_000
const scaleDownAfterMs = 300_000
/** What finds no node is tried again after this long. */
const pendingMs = 5_000
/** A controller notices a lost machine after this long. */
const nodeLostAfterMs = 40_000

interface Rollout {
  readonly service: Service
  readonly revision: Revision
  /** How many are still to be replaced; a canary replaces only some. */
  left: number
  readonly done: () => void
}

export class Cluster {
  readonly machines: readonly Machine[]
  private readonly world: World
  private readonly wanted = new Map<string, number>()
  private readonly lastCpu = new Map<Service, { atMs: number; cpuMs: number }>()
  /** Those that have crashed and are started again in a while, by name. */
  readonly waiting = new Map<string, Instance>()
  /** Of a service, the last one wins. */
  private readonly rollouts = new Map<Service, Rollout>()
  private readonly mayShrinkAt = new Map<Service, number>()

  constructor(world: World, nodes: { readonly count: number; readonly cores: number }) {
    this.world = world
    this.machines = Array.from({ length: nodes.count }, (_, i) => new Machine(`node-${i + 1}`, nodes.cores))
  }

  start(services: Iterable<Service>): void {
    for (const service of services) {
      this.wanted.set(service.name, service.spec.instances)
      for (let i = 0; i < service.spec.instances; i++) this.ready(this.create(service, service.revision))
    }
    this.world.schedule.every(tickMs, () => this.tick())
    this.world.schedule.every(autoscaleMs, () => this.autoscale())
  }

  replicas(service: Service): number {
    return this.wanted.get(service.name) ?? 0
  }

  scale(service: Service, count: number): void {
    const before = this.replicas(service)
    if (count === before) return
    this.wanted.set(service.name, count)
    this.world.change('scale', service, `scaled ${service.name} from ${before} to ${count} replicas`)
    this.reconcile(service)
  }

  /** Replaces the instances one by one, or only `share` of them. */
  deploy(service: Service, versionName: string, share = 1, done: () => void = nothing): void {
    const version = service.versionOf(versionName)
    this.world.change('deploy', service, `deployed ${service.name} ${versionName}`)
    const revision = service.revise(version, 0, this.world.schedule.now)
    if (share >= 1) service.revision = revision
    const old = service.instances.filter((one) => one.version !== version)
    this.rollOut(
      service,
      revision,
      share >= 1 ? Number.POSITIVE_INFINITY : Math.max(1, Math.round(share * old.length)),
      done,
    )
  }

  /** To what ran before, or away from a canary. */
  rollback(service: Service, to: Revision): void {
    this.world.change('deploy', service, `rolled ${service.name} back to ${to.version.name}`)
    service.revision = service.revise(to.version, to.restart, this.world.schedule.now)
    this.rollOut(service, service.revision, Number.POSITIVE_INFINITY, nothing)
  }

  restart(service: Service, done: () => void = nothing): void {
    this.world.change('restart', service, `restarted ${service.name}`)
    const restart = Math.max(...service.revisions.map((one) => one.restart)) + 1
    service.revision = service.revise(service.version, restart, this.world.schedule.now)
    this.rollOut(service, service.revision, Number.POSITIVE_INFINITY, done)
  }

  isRollingOut(service: Service): boolean {
    return this.rollouts.has(service)
  }

  /** Ends an instance in good order; another one takes its place. */
  replace(instance: Instance, how: { readonly isForced?: boolean; readonly guard?: Guard } = {}): void {
    this.waiting.delete(instance.name)
    if (how.isForced === true) this.remove(instance, how.guard)
    else this.stop(instance)
    this.reconcile(instance.service)
  }

  /** As a disruption budget has it: not while another instance of the service is missing. */
  mayEvict(instance: Instance): boolean {
    const { service } = instance
    const others = service.ready.reduce((count, one) => count + (one === instance ? 0 : 1), 0)
    // One alone has no budget: nobody could ever drain its node.
    return this.replicas(service) <= 1 || others >= this.replicas(service) - 1
  }

  cordon(machine: Machine): void {
    machine.isCordoned = true
    this.world.change('node', undefined, `cordoned node ${machine.name}`, machine.name)
  }

  uncordon(machine: Machine): void {
    machine.isCordoned = false
    this.world.change('node', undefined, `uncordoned node ${machine.name}`, machine.name)
    for (const service of this.world.services.values()) this.reconcile(service)
  }

  /** The process ends at once; Kubernetes starts it again in its place, later each time. */
  crash(instance: Instance, reason: 'out of memory' | 'killed', guard?: Guard): void {
    if (instance.isDead) return
    const { service, machine, revision, restarts } = instance
    this.world.observer.log(instance, undefined, { kind: 'life', what: reason, detail: `restart ${restarts + 1}` })
    instance.lastEnd = { reason, atMs: this.world.schedule.now }
    this.remove(instance, guard)
    const backoff = restarts === 0 ? 0 : Math.min(maxCrashBackoffMs, crashBackoffMs * 2 ** (restarts - 1))
    this.waiting.set(instance.name, instance)
    this.world.schedule.after(backoff, () => {
      if (this.waiting.get(instance.name) === instance) this.waiting.delete(instance.name)
      if (!machine.isUp || liveOf(service).length >= this.replicas(service)) {
        this.reconcile(service)
        return
      }
      const next = new Instance(service, instance.name, machine, revision, this.world.schedule.now, restarts + 1)
      next.lastEnd = instance.lastEnd
      this.boot(next)
    })
  }

  /** The machine is gone; its instances are started elsewhere when the cluster has noticed. */
  lose(machine: Machine): void {
    machine.isUp = false
    this.world.change('node', undefined, `lost node ${machine.name}`, machine.name)
    for (const instance of machine.instances) this.remove(instance)
    this.world.schedule.after(nodeLostAfterMs, () => {
      for (const service of this.world.services.values()) this.reconcile(service)
    })
  }

  /** Politely: instances end what they have. */
  drain(machine: Machine): void {
    machine.isUp = false
    this.world.change('node', undefined, `drained node ${machine.name}`, machine.name)
    for (const instance of machine.instances) {
      const next = this.create(instance.service, instance.revision)
      this.world.schedule.after(next === undefined ? 0 : this.boot(next), () => this.stop(instance))
    }
  }

  private rollOut(service: Service, revision: Revision, left: number, done: () => void): void {
    const rollout: Rollout = { service, revision, left, done }
    this.rollouts.set(service, rollout)
    this.replaceNext(rollout)
  }

  private replaceNext(rollout: Rollout): void {
    const { service, revision } = rollout
    const isOld = (one: Instance) => one.revision !== revision && !one.isStopping
    const old = rollout.left > 0 ? service.instances.find(isOld) : undefined
    if (old === undefined) {
      this.rollouts.delete(service)
      if (revision === service.revision) this.reconcile(service)
      rollout.done()
      return
    }
    const next = this.create(service, revision)
    if (next !== undefined) rollout.left--
    this.world.schedule.after(next === undefined ? pendingMs : this.boot(next), () => {
      if (this.rollouts.get(service) !== rollout) return
      if (next !== undefined) {
        // What has crashed in the meantime was started again in its old place.
        const last = old.isDead ? service.instances.find(isOld) : old
        if (last !== undefined) this.stop(last)
      }
      this.replaceNext(rollout)
    })
  }

  private reconcile(service: Service): void {
    const wanted = this.replicas(service)
    const live = liveOf(service)
    for (let missing = wanted - live.length; missing > 0; missing--) {
      const instance = this.create(service, service.revision)
      // Pending: it is started when a node has room again.
      if (instance === undefined) return
      this.boot(instance)
    }
    for (const instance of live.slice(wanted)) this.stop(instance)
  }

  /** Undefined where no node takes it. */
  private create(service: Service, revision: Revision): Instance | undefined {
    const up = this.machines.filter(({ isUp, isCordoned }) => isUp && !isCordoned)
    if (up.length === 0) return undefined
    const emptiest = up.reduce((best, one) => (one.instances.size < best.instances.size ? one : best))
    const suffix = this.world.randomOf(`names of ${service.name}`).bits().toString(36).slice(0, 5).padStart(5, '0')
    return new Instance(service, `${service.name}-${suffix}`, emptiest, revision, this.world.schedule.now)
  }

  /** The answer is how long it takes. */
  private boot(instance: Instance): number {
    instance.service.instances.push(instance)
    const ms = instance.service.spec.startup * this.world.randomOf('startup').between(0.8, 1.3)
    this.world.schedule.after(ms, () => {
      if (!instance.isDead && !instance.isStopping) this.markReady(instance)
    })
    return ms
  }

  private ready(instance: Instance | undefined): void {
    if (instance === undefined) return
    instance.service.instances.push(instance)
    this.markReady(instance)
  }

  private markReady(instance: Instance): void {
    instance.isReady = true
    // What a cache held was in the memory of its process.
    if (instance.service.spec.kind === 'cache' && instance.createdMs > 0) {
      const share = 1 / Math.max(1, instance.service.instances.length)
      for (const content of instance.service.contents) content.filled *= 1 - share
    }
    instance.service.refresh()
    this.world.observer.log(instance, undefined, { kind: 'life', what: 'started', detail: instance.version.name })
    this.world.queues.dispatchAll(this.world.services.values())
  }

  private stop(instance: Instance): void {
    if (instance.isDead || instance.isStopping) return
    instance.isStopping = true
    instance.stoppingSinceMs = this.world.schedule.now
    instance.isReady = false
    instance.service.refresh()
    this.world.observer.log(instance, undefined, { kind: 'life', what: 'stopping', detail: '' })
    this.world.schedule.after(drainMs, () => {
      if (!instance.isDead) this.world.observer.ended(instance)
      this.remove(instance)
    })
  }

  private remove(instance: Instance, guard?: Guard): void {
    if (instance.isDead) return
    instance.isDead = true
    instance.isReady = false
    const { service, machine } = instance
    service.instances = service.instances.filter((one) => one !== instance)
    machine.instances.delete(instance)
    service.refresh()
    for (const frame of instance.frames) frame.kill(guard)
    instance.frames.clear()
  }

  private tick(): void {
    this.world.weather.step()
    for (const service of this.world.services.values()) {
      service.noise.drift.step()
      for (const instance of service.instances) {
        instance.cpuMs += Math.min(instance.hog, service.spec.cores) * tickMs
        instance.noise.tick(instance, tickMs)
        if (instance.memoryShare >= 1) this.crash(instance, 'out of memory')
      }
    }
  }

  private autoscale(): void {
    const { now } = this.world.schedule
    for (const service of this.world.services.values()) {
      const { spec } = service
      if (service.autoscale === undefined) continue
      const { min, max, cpu: target } = service.autoscale
      const cpuMs = service.instances.reduce((sum, one) => sum + one.cpuMs, 0)
      const last = this.lastCpu.get(service)
      this.lastCpu.set(service, { atMs: now, cpuMs })
      if (last === undefined || cpuMs < last.cpuMs) continue
      const count = this.replicas(service)
      const utilization = (cpuMs - last.cpuMs) / (now - last.atMs) / spec.cores / Math.max(1, service.ready.length)
      const wanted = Math.min(max, Math.max(min, Math.ceil((count * utilization) / target)))
      // Within a tenth of the target nothing is done, as the Kubernetes autoscaler has it.
      if (Math.abs(utilization / target - 1) < 0.1) continue
      if (wanted > count) {
        this.mayShrinkAt.set(service, now + scaleDownAfterMs)
        this.scale(service, wanted)
      } else if (wanted < count && now >= (this.mayShrinkAt.get(service) ?? scaleDownAfterMs)) {
        this.mayShrinkAt.set(service, now + scaleDownAfterMs)
        this.scale(service, wanted)
      }
    }
  }
}

/** Those that are there to stay. */
function liveOf(service: Service): readonly Instance[] {
  return service.instances.filter(({ isStopping }) => !isStopping)
}

function nothing(): void {}
