/** Instances come and go: start, stop, crash, deploy, scale, and machines that fail. As a Kubernetes cluster does it, with its delays. */
import { Instance } from './instance.ts'
import { Machine } from './machine.ts'
import type { Service, Version } from './service.ts'
import type { World } from './world.ts'

const drainMs = 5_000
const crashBackoffMs = 10_000
const maxCrashBackoffMs = 300_000
const tickMs = 1_000
const autoscaleMs = 15_000
const scaleDownAfterMs = 300_000
/** A controller notices a lost machine after this long. */
const nodeLostAfterMs = 40_000

export class Cluster {
  readonly machines: readonly Machine[]
  private readonly world: World
  private readonly wanted = new Map<string, number>()
  private readonly lastCpu = new Map<Service, { atMs: number; cpuMs: number }>()
  private readonly mayShrinkAt = new Map<Service, number>()

  constructor(world: World, nodes: { readonly count: number; readonly cores: number }) {
    this.world = world
    this.machines = Array.from({ length: nodes.count }, (_, i) => new Machine(`node-${i + 1}`, nodes.cores))
  }

  start(services: Iterable<Service>): void {
    for (const service of services) {
      this.wanted.set(service.name, service.spec.instances)
      for (let i = 0; i < service.spec.instances; i++) this.ready(this.create(service, service.version))
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
  deploy(service: Service, versionName: string, share = 1): void {
    const version = service.versionOf(versionName)
    this.world.change('deploy', service, `deployed ${service.name} ${versionName}`)
    if (share >= 1) service.version = version
    const old = service.instances.filter((one) => one.version !== version)
    const count = Math.max(1, Math.round(share * old.length))
    this.replaceNext(service, version, old.slice(0, count))
  }

  restart(service: Service): void {
    this.world.change('restart', service, `restarted ${service.name}`)
    this.replaceNext(service, service.version, [...service.instances])
  }

  /** The process ends at once; Kubernetes starts it again in its place, later each time. */
  crash(instance: Instance, reason: 'out of memory' | 'killed'): void {
    if (instance.isDead) return
    const { service, machine, version, restarts } = instance
    this.world.observer.log(instance, undefined, { kind: 'life', what: reason, detail: `restart ${restarts + 1}` })
    this.remove(instance)
    const backoff = restarts === 0 ? 0 : Math.min(maxCrashBackoffMs, crashBackoffMs * 2 ** (restarts - 1))
    this.world.schedule.after(backoff, () => {
      if (!machine.isUp || service.instances.length >= this.replicas(service)) {
        this.reconcile(service)
        return
      }
      const next = new Instance(service, instance.name, machine, version, this.world.schedule.now, restarts + 1)
      this.boot(next)
    })
  }

  /** The machine is gone; its instances are started elsewhere when the cluster has noticed. */
  lose(machine: Machine): void {
    machine.isUp = false
    this.world.change('node', undefined, `lost node ${machine.name}`)
    for (const instance of machine.instances) this.remove(instance)
    this.world.schedule.after(nodeLostAfterMs, () => {
      for (const service of this.world.services.values()) this.reconcile(service)
    })
  }

  /** Politely: instances end what they have. */
  drain(machine: Machine): void {
    machine.isUp = false
    this.world.change('node', undefined, `drained node ${machine.name}`)
    for (const instance of machine.instances) {
      const next = this.boot(this.create(instance.service, instance.version))
      this.world.schedule.after(next, () => this.stop(instance))
    }
  }

  private replaceNext(service: Service, version: Version, old: readonly Instance[]): void {
    const [first, ...others] = old
    if (first === undefined) return
    const startup = this.boot(this.create(service, version))
    this.world.schedule.after(startup, () => {
      this.stop(first)
      this.replaceNext(service, version, others)
    })
  }

  private reconcile(service: Service): void {
    const wanted = this.replicas(service)
    while (service.instances.length < wanted) this.boot(this.create(service, service.version))
    for (const instance of service.instances.slice(wanted)) this.stop(instance)
  }

  private create(service: Service, version: Version): Instance {
    const up = this.machines.filter(({ isUp }) => isUp)
    if (up.length === 0) throw new Error('no node is up')
    const emptiest = up.reduce((best, one) => (one.instances.size < best.instances.size ? one : best))
    const suffix = this.world.randomOf(`names of ${service.name}`).bits().toString(36).slice(0, 5).padStart(5, '0')
    return new Instance(service, `${service.name}-${suffix}`, emptiest, version, this.world.schedule.now)
  }

  /** The answer is how long it takes. */
  private boot(instance: Instance): number {
    instance.service.instances.push(instance)
    const ms = instance.service.spec.startup * this.world.randomOf('startup').between(0.8, 1.3)
    this.world.schedule.after(ms, () => {
      if (!instance.isDead) this.markReady(instance)
    })
    return ms
  }

  private ready(instance: Instance): void {
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
    if (instance.isDead) return
    instance.isReady = false
    instance.service.refresh()
    this.world.observer.log(instance, undefined, { kind: 'life', what: 'stopping', detail: '' })
    this.world.schedule.after(drainMs, () => {
      if (!instance.isDead) this.world.observer.ended(instance)
      this.remove(instance)
    })
  }

  private remove(instance: Instance): void {
    if (instance.isDead) return
    instance.isDead = true
    instance.isReady = false
    const { service, machine } = instance
    service.instances = service.instances.filter((one) => one !== instance)
    machine.instances.delete(instance)
    service.refresh()
    for (const frame of instance.frames) frame.kill()
    instance.frames.clear()
  }

  private tick(): void {
    for (const service of this.world.services.values()) {
      for (const instance of service.instances) {
        instance.cpuMs += Math.min(instance.hog, service.spec.cores) * tickMs
        if (instance.memoryShare >= 1) this.crash(instance, 'out of memory')
      }
    }
  }

  private autoscale(): void {
    const { now } = this.world.schedule
    for (const service of this.world.services.values()) {
      const { spec } = service
      if (spec.kind !== 'service' || spec.autoscale === undefined) continue
      const { min, max, cpu: target } = spec.autoscale
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
