/**
 * What makes a quiet day uneven, as on real machines: service times that wander, a runtime that has work of its own, garbage that is collected, and a kubelet
 * that reports what was used over its last few looks.
 */
import type { Topology } from '../topology/schema.ts'
import type { Instance } from './instance.ts'
import type { Random } from './random.ts'
import type { Service } from './service.ts'

/** In ticks of a second: how long a deviation lasts. */
const instanceTicks = 30
const dataTicks = 150
const weatherTicks = 50
const backgroundTicks = 5
const backgroundSigma = 0.25
/** The kubelet tells the average over so many ticks. */
const usageTicks = 5
/** Garbage per ms of computing, and the share of the memory limit at which it is collected. */
const garbagePerMs = 96 * 1024
const youngShare = 0.12
/** One of so many collections is a full one. */
const fullEvery = 24

/** What a collection costs, in ms: of computing, and with everybody waiting. */
const collections = {
  java: { cpu: 22, pause: 8, fullCpu: 160, fullPause: 70 },
  dotnet: { cpu: 16, pause: 6, fullCpu: 110, fullPause: 45 },
  nodejs: { cpu: 9, pause: 6, fullCpu: 70, fullPause: 30 },
  go: { cpu: 25, pause: 0.5, fullCpu: 25, fullPause: 0.5 },
  // It counts references: nothing waits, and hardly anything is left over.
  python: undefined,
} as const

/** A logarithm that wanders about 0 (Ornstein-Uhlenbeck). */
export class Wander {
  private readonly random: Random
  private readonly memory: number
  private readonly sigma: number
  private readonly innovation: number
  private at: number
  /** Its exponential, once somebody has asked for it. */
  private known = Number.NaN

  constructor(random: Random, ticks: number, sigma: number) {
    this.random = random
    this.memory = Math.exp(-1 / ticks)
    this.innovation = Math.sqrt(1 - this.memory ** 2)
    this.sigma = sigma
    this.at = random.normal()
  }

  get factor(): number {
    if (Number.isNaN(this.known)) this.known = Math.exp(this.sigma * this.at)
    return this.known
  }

  step(): void {
    this.at = this.memory * this.at + this.innovation * this.random.normal()
    this.known = Number.NaN
  }
}

export type NoiseSpec = Topology['noise']

/** Disks and networks are shared by all. */
export function weatherOf({ waits }: NoiseSpec, random: Random): Wander {
  return new Wander(random, weatherTicks, waits)
}

/** What the instances of a service have in common. */
export class ServiceNoise {
  /** The data, the mix of requests. */
  readonly drift: Wander
  readonly weather: Wander
  private readonly spec: NoiseSpec
  private readonly random: Random

  constructor(spec: NoiseSpec, weather: Wander, random: Random) {
    this.spec = spec
    this.weather = weather
    this.random = random
    this.drift = new Wander(random, dataTicks, spec.drift / 2)
  }

  /** For a new instance. */
  of(service: Service): Noise {
    return new Noise(service, this.spec, this.random)
  }
}

export class Noise {
  garbageBytes = 0
  backgroundCores = 0
  private readonly service: Service
  private readonly random: Random
  private readonly drift: Wander
  private readonly waits: Wander
  private readonly background: Wander
  private readonly backgroundUsual: number
  private readonly costs: (typeof collections)[keyof typeof collections]
  private readonly youngBytes: number
  private pausedUntilMs = 0
  /** Counters of CPU time at the last ticks; a ring. */
  private readonly looks = new Float64Array(usageTicks + 1)
  private looked = 0

  constructor(service: Service, spec: NoiseSpec, random: Random) {
    const { kind, cores, memory, language } = service.spec
    this.service = service
    this.random = random
    this.drift = new Wander(random, instanceTicks, spec.drift)
    this.waits = new Wander(random, instanceTicks, spec.waits)
    this.background = new Wander(random, backgroundTicks, backgroundSigma)
    this.backgroundUsual = kind === 'external' ? 0 : spec.background * cores
    this.costs = kind === 'service' ? collections[language] : undefined
    this.youngBytes = youngShare * memory
    this.garbageBytes = this.costs === undefined ? 0 : random.next() * this.youngBytes
  }

  /** How much longer than usual computing takes. */
  get cpuPace(): number {
    return this.drift.factor * this.service.noise.drift.factor
  }
  /** How much longer than usual waiting takes. */
  get waitPace(): number {
    return this.waits.factor * this.service.noise.weather.factor
  }

  /** How long whoever wants to compute waits for the collector. */
  pauseMs(nowMs: number): number {
    return Math.max(0, this.pausedUntilMs - nowMs)
  }

  /** Computing leaves garbage behind. */
  allocate(instance: Instance, cpuMs: number, nowMs: number): void {
    const { costs } = this
    if (costs === undefined) return
    this.garbageBytes += cpuMs * garbagePerMs
    if (this.garbageBytes < this.youngBytes) return
    this.garbageBytes = 0
    const isFull = this.random.chance(1 / fullEvery)
    const varying = this.random.between(0.6, 1.5)
    instance.cpuMs += varying * (isFull ? costs.fullCpu : costs.cpu)
    this.pausedUntilMs = nowMs + varying * (isFull ? costs.fullPause : costs.pause)
  }

  tick(instance: Instance, ms: number): void {
    this.drift.step()
    this.waits.step()
    this.background.step()
    this.backgroundCores = this.backgroundUsual * this.background.factor
    instance.cpuMs += this.backgroundCores * ms
    this.looks[this.looked++ % this.looks.length] = instance.cpuMs
  }

  /** Cores in use, as the kubelet has seen it at its last looks, which are so far apart. */
  coresUsed(tickMs: number): number {
    const { looks, looked } = this
    if (looked < 2) return 0
    const back = Math.min(looked - 1, usageTicks)
    const last = looks[(looked - 1) % looks.length]!
    return (last - looks[(looked - 1 - back) % looks.length]!) / (back * tickMs)
  }
}
