/**
 * Tells lost telemetry from lost traffic. Silence alone says nothing of a service; what its callers see, whether its processes are there and whether they
 * compute says more. What nothing confirms is blindness, and where many are silent at once, it is one blindness about everything.
 */
import type { Level, Registry, Watched } from './watched.ts'

const signals = ['traces', 'metrics', 'logs'] as const
type SignalName = (typeof signals)[number]

export interface SensorOptions {
  readonly silentAfter: number
  /** A p above this says that it is often so. */
  readonly quietP: number
  readonly blindShare: number
}

/** How long a signal of a service was not heard of, and how long that usually is. Seconds. */
interface Hearing {
  age: number
  at: number
  /** The longest lately. */
  usual: number
  /** Ticks in which it was heard of. */
  heard: number
  /** How often it was heard of anew. */
  words?: number
  /** When it was last. */
  wordAt?: number
  /** Lately: ticks with a word, and the seconds from the last word to the end of each tick, or all of it where there was none. */
  spoken?: number
  waited?: number
}

/**
 * `unsure` = it was just heard of, but should have been again, or only its logs are silent; `lost` = silent, and nothing confirms that something is wrong
 * with it; `down` = something does.
 */
export type Health = 'heard' | 'unsure' | 'lost' | 'down'

export interface Sensor {
  readonly watched: Watched
  readonly hearings: Readonly<Record<SignalName, Hearing>>
  health: Health
  /** Which are silent now. */
  silent: readonly SignalName[]
  /** Seconds: when the last of what is silent was heard. */
  silentSince: number
  /** What made it `down`, for people. */
  because: string
}

export type SensorState = Omit<Sensor, 'watched'> & { readonly id: string }

export interface Round {
  /** How many services lack what is gone from everywhere, of those that are usually heard of. */
  readonly silent: number
  readonly regular: number
  /** Which signals are gone from everywhere, or from a large share; none mostly. */
  readonly everywhere: readonly SignalName[]
  /** Share of the services of which something was not heard for longer than it ever is: many at once are about to be silent together. */
  readonly lateShare: number
  /** Earliest last word of those that are silent, seconds. */
  readonly since: number
}

/** Services, and sources by signal, nodes among them. */
interface Tally {
  services: number
  silentServices: number
  lateServices: number
  readonly regular: Record<SignalName, number>
  readonly silent: Record<SignalName, number>
  readonly late: Record<SignalName, number>
}

function newTally(): Tally {
  const none = () => ({ traces: 0, metrics: 0, logs: 0 })
  return { services: 0, silentServices: 0, lateServices: 0, regular: none(), silent: none(), late: none() }
}

/** Ticks until one knows how regularly something is heard of: five minutes. */
const enoughHeard = 30
/** Of a source with gaps: the longest of fewer tells little of how long a gap may be. The next is three times as long once in 450 times, where they come by chance. */
const enoughWords = 12
/** What is usual forgets by this much a tick: half in two hours. */
const forgetting = 0.999
/** Requests come by chance: a gap in which that leaves them out less often than this is none of those. */
const byChance = 1e-5
/** One silent service may be anything; two may be everything there is. */
const fewest = 2
/** A caller whose own spans are this fresh still reports. Seconds. */
const fresh = 15
/** Callers that make fewer requests a minute than this say nothing by making none. */
const fewCalls = 6
const stoppedShare = 0.5
const stopped = 'calls to it have stopped'
const failingShare = 0.2
const idleShare = 0.6
/** Ages older than this are of a source that nobody tells of any more. Seconds. */
const told = 30
const instanceFresh = 75
const instanceForgotten = 900

export class SensorHealth {
  readonly #options: SensorOptions
  readonly #registry: Registry
  readonly #sensors = new Map<Watched, Sensor>()

  constructor(options: SensorOptions, registry: Registry) {
    this.#options = options
    this.#registry = registry
  }

  all(): Iterable<Sensor> {
    return this.#sensors.values()
  }

  of(watched: Watched | undefined): Sensor | undefined {
    return watched === undefined ? undefined : this.#sensors.get(watched)
  }

  forget(watched: Watched): void {
    this.#sensors.delete(watched)
  }

  save(): SensorState[] {
    return [...this.#sensors.values()].map(({ watched, ...sensor }) => ({ id: watched.id, ...sensor }))
  }

  /** Of entities that are known already. */
  restore(states: readonly SensorState[]): void {
    for (const { id, ...sensor } of states) {
      const watched = this.#registry.find(id)
      if (watched !== undefined) this.#sensors.set(watched, { watched, ...sensor })
    }
  }

  /** A signal of a service was heard of `age` seconds before `at`. */
  hear(watched: Watched, signal: string, age: number, at: number): void {
    const name = signals.find((one) => one === signal)
    if (name === undefined || !(age >= 0)) return
    let sensor = this.#sensors.get(watched)
    if (sensor === undefined) {
      sensor = {
        watched,
        hearings: { traces: newHearing(), metrics: newHearing(), logs: newHearing() },
        health: 'heard',
        silent: [],
        silentSince: at,
        because: '',
      }
      this.#sensors.set(watched, sensor)
    }
    const hearing = sensor.hearings[name]
    if (at <= hearing.at) return
    const isAgain = !(age >= hearing.age + (at - hearing.at) - 0.5)
    // A gap is known when it is over; while it lasts it says nothing of what is usual.
    if (isAgain && Number.isFinite(hearing.age)) this.#learn(hearing, Math.max(hearing.age, age))
    if (isAgain && name !== 'metrics') this.#count(hearing, age, at)
    if (isAgain) hearing.words = (hearing.words ?? 0) + 1
    hearing.age = age
    hearing.at = at
    if (age <= this.#limit(hearing)) hearing.heard++
  }

  /**
   * Of what comes by chance and not on a schedule: how often it does, as one knows it of exponential gaps that are looked at once a tick (censored maximum
   * likelihood). One silence counts as much as a gap may be long.
   */
  #count(hearing: Hearing, age: number, at: number): void {
    const { spoken = 0, waited = 0, wordAt = hearing.at } = hearing
    const tick = at - hearing.at
    hearing.wordAt = at
    if (!Number.isFinite(tick)) return
    const passed = Math.max(tick, Math.min(at - wordAt, this.#limit(hearing)))
    const kept = forgetting ** (passed / tick)
    hearing.waited = waited * kept + passed - tick + Math.min(age, tick)
    hearing.spoken = spoken * kept + 1
  }

  /** One gap may be an accident; those that come again and again are a habit. */
  #learn(hearing: Hearing, gap: number): void {
    const isHabit = gap <= this.#limit(hearing)
    const most = isHabit ? 1.5 * hearing.usual + 3 : 2 * hearing.usual + 3
    hearing.usual = Math.max(hearing.usual * forgetting, Math.min(gap, most))
  }

  /** Looks at all services, once a tick. */
  review(now: number): Round {
    const tally = this.#tally(now)
    const { services, regular, silent, late } = tally
    // Those with gaps need longer until they are silent; that they all are late at once says as much.
    const isGone = (gone: number, later: number, of: number) => gone >= fewest && later >= this.#options.blindShare * of
    const isEverything = isGone(tally.silentServices, tally.silentServices, services)
    const everywhere = signals.filter(
      (name) =>
        (isEverything && silent[name] > 0) || (name !== 'logs' && isGone(silent[name], late[name], regular[name])),
    )
    for (const sensor of this.#sensors.values()) this.#judge(sensor, now, everywhere)
    // Nobody gets through any more where one service that is down stands in front of all others.
    const isExplained = !isEverything && this.#somethingIsDown()
    const gone = everywhere.filter((name) => name !== 'traces' || !isExplained)
    const lateShare = tally.lateServices / Math.max(1, services)
    return { regular: services, everywhere: gone, lateShare, ...this.#lacking(gone, now) }
  }

  #tally(now: number): Tally {
    const tally = newTally()
    for (const sensor of this.#sensors.values()) {
      const { watched, hearings } = sensor
      const known = signals.filter((name) => isRegular(hearings[name], now))
      const later = known.filter((name) => isLate(hearings[name]))
      sensor.silent = known.filter((name) => hearings[name].age > this.#limit(hearings[name]))
      for (const name of known) tally.regular[name]++
      for (const name of later) tally.late[name]++
      for (const name of sensor.silent) tally.silent[name]++
      if (known.length === 0 || watched.entity.kind !== 'service') continue
      tally.services++
      if (later.some((name) => name !== 'logs')) tally.lateServices++
      if (sensor.silent.length > 0) sensor.silentSince = now - lastHeard(sensor, sensor.silent)
      if (sensor.silent.length === known.length) tally.silentServices++
    }
    return tally
  }

  /** How many services lack what is gone from everywhere, and since when. */
  #lacking(gone: readonly SignalName[], now: number): { readonly silent: number; readonly since: number } {
    let [silent, since] = [0, now]
    for (const sensor of this.#sensors.values()) {
      const { watched, hearings } = sensor
      const lacks = gone.some((name) => isRegular(hearings[name], now) && isLate(hearings[name]))
      if (watched.entity.kind !== 'service' || !lacks) continue
      silent++
      if (sensor.silent.length > 0) since = Math.min(since, sensor.silentSince)
    }
    return { silent, since }
  }

  #somethingIsDown(): boolean {
    for (const { health } of this.#sensors.values()) if (health === 'down') return true
    return false
  }

  #judge(sensor: Sensor, now: number, everywhere: readonly SignalName[]): void {
    const { hearings, silent, watched } = sensor
    // A source that nobody tells of any more is not well again.
    if (!signals.some((name) => now - hearings[name].at <= told)) return
    sensor.because = ''
    if (silent.length === 0) {
      sensor.health = isRegular(hearings.traces, now) && isLate(hearings.traces) ? 'unsure' : 'heard'
      return
    }
    if (watched.entity.kind === 'service' && silent.includes('traces')) {
      const reason = this.#confirmation(sensor, now, everywhere)
      if (reason !== undefined) {
        sensor.health = 'down'
        sensor.because = reason
        return
      }
    }
    sensor.health = silent.some((name) => name !== 'logs') ? 'lost' : 'unsure'
  }

  /** What beside its own silence says that a service does not work. */
  #confirmation(sensor: Sensor, now: number, everywhere: readonly SignalName[]): string | undefined {
    const { watched } = sensor
    if (watched.restarts > 0 && now - watched.restartsAt < 60) return 'its processes restart'
    if (this.#instancesAreGone(watched, now)) return 'its instances are gone'
    const byCallers = this.callersSay(watched, now)
    if (byCallers === 'fine') return undefined
    // Less traffic is no news where it is often less; failures are, whenever they come.
    const isHabit = now - watched.pAt <= told && watched.p > this.#options.quietP
    if (byCallers !== undefined) return byCallers === stopped && isHabit ? undefined : byCallers
    if (isHabit) return undefined
    const stillMeasured = !sensor.silent.includes('metrics') && !everywhere.includes('metrics')
    if (stillMeasured && isFresh(watched.cpu, now) && watched.cpu.now < idleShare * watched.cpu.usual)
      return 'it computes less, and its metrics still arrive'
    return undefined
  }

  /** What those who still report say of calls to it: `fine`, or what is wrong. Undefined where nobody calls it. */
  callersSay(service: Watched, now: number): string | undefined {
    let [calls, usual, errors] = [0, 0, 0]
    for (const edge of this.#registry.edgesTo(service.entity)) {
      const caller = this.#sensors.get(this.#registry.sourceOf(edge.entity) ?? edge)
      if (caller === undefined || caller.watched === service) continue
      const { traces } = caller.hearings
      if (!isRegular(traces, now) || traces.age > fresh || !(edge.requests.usual > 0)) continue
      const isNow = isFresh(edge.requests, now)
      const count = isNow ? edge.requests.now : 0
      calls += count
      usual += edge.requests.usual
      if (isNow && isFresh(edge.errorRatio, now)) errors += count * (edge.errorRatio.now || 0)
    }
    if (usual < fewCalls) return undefined
    if (calls > 0 && errors / calls > failingShare) return 'calls to it fail'
    if (calls < stoppedShare * usual) return stopped
    return 'fine'
  }

  /** Of those that were measured in the last quarter of an hour none is any more. */
  #instancesAreGone(service: Watched, now: number): boolean {
    let gone = 0
    for (const { cpu } of this.#registry.instancesOf(service.entity)) {
      if (now - cpu.at <= instanceFresh) return false
      if (now - cpu.at <= instanceForgotten) gone++
    }
    return gone > 0 && this.#othersAreMeasured(service, now)
  }

  /** Metrics of others arrive: it is not the metrics that are gone. */
  #othersAreMeasured(service: Watched, now: number): boolean {
    let [measured, all] = [0, 0]
    for (const { watched, hearings } of this.#sensors.values()) {
      if (watched === service || !isRegular(hearings.metrics, now)) continue
      all++
      if (hearings.metrics.age <= this.#limit(hearings.metrics)) measured++
    }
    return all > 0 && measured >= all / 2
  }

  /** Three times the longest gap, and what chance alone exceeds hardly ever: few gaps tell little of how long one may be. */
  #limit({ usual, spoken = 0, waited = 0 }: Hearing): number {
    const least = Math.max(this.#options.silentAfter, 3 * usual)
    return spoken === 0 ? least : Math.max(least, -Math.log(byChance) * (waited / spoken))
  }
}

function newHearing(): Hearing {
  return { age: Number.NaN, at: Number.NEGATIVE_INFINITY, usual: 0, heard: 0, words: 0 }
}

/** It is told of in this tick or the last, and was heard often enough to miss it. */
function isRegular({ at, heard, words = enoughWords }: Hearing, now: number): boolean {
  return heard >= enoughHeard && words >= enoughWords && now - at <= told
}

/** Longer ago than it lately ever was. */
function isLate({ age, usual }: Hearing): boolean {
  return age > Math.max(10, usual + 5)
}

function isFresh({ at }: Level, now: number): boolean {
  return now - at <= 30
}

function lastHeard({ hearings }: Sensor, names: readonly SignalName[]): number {
  return Math.min(...names.map((name) => hearings[name].age))
}
