/** What is said when nothing is known: of one service, of all, or of the analysis itself. Never a fault of what is not seen. */
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { entityId, entityLabel } from '../../pipeline/vocabulary/entity.ts'
import type { Severity } from '../../pipeline/vocabulary/event.ts'
import { amount, type LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import type { Alarm } from './alarm.ts'
import type { Book } from './book.ts'
import type { Config } from './config.ts'
import type { Finding } from './explanation.ts'
import type { Round, Sensor, SensorHealth } from './sensor-health.ts'
import type { Registry, Watched } from './watched.ts'

const nowhere = { kind: 'external', cluster: '', environment: '', namespace: '', service: '' } as const
/** Blindness about everything. */
const allSources: Entity = { ...nowhere, name: 'all sources' }
/** Sources are heard of, but what judges them does not keep up. */
const analysis: Entity = { ...nowhere, name: 'analysis' }

const detector = 'sensor_health'
/** Reviews in a row that must be well before it is said: one window. */
const wellNeeded = 3
const manyLate = 0.3
const lateFor = 20
/** Without scores, or with half of them, for this long. Seconds of event time. */
const unscoredAfter = 300
const halfOfUsual = 0.5
/** Until so many stretches of `unscoredAfter` were seen, anything is as many as usual. */
const enoughStretches = 6
/** How fast the fewest that are usual follow what is more, a stretch: a day; and what is far less: an hour. */
const slowly = 1 / 288
const soon = 1 / 12
/** The best lag is remembered for this long, in two halves. Milliseconds. */
const bestLagFor = 3_600_000

export interface BlindnessState {
  readonly scoredAt: number
  readonly usuallyScored: number
  readonly stretches?: number
}

export class Blindness {
  readonly #settings: Config
  readonly #local: LocalTime
  readonly #registry: Registry
  readonly #book: Book
  readonly #own = new Set([entityId(allSources), entityId(analysis)])
  readonly #well = new Map<Watched, number>()
  /** When services were first found without telemetry. */
  readonly #lostAt = new Map<Watched, number>()
  #isBlind = false
  /** When scores were last as many as usual. Seconds. */
  #scoredAt = Number.NaN
  /** The fewest that were judged in the best tick of a stretch, lately: sparse traffic has ticks in which hardly anybody can be. */
  #usuallyScored = 0
  #stretches = 0
  #fewest = Number.POSITIVE_INFINITY
  #stretchFrom = Number.NaN
  #mostInStretch = 0
  #bestLags: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  #bestSince = Number.NEGATIVE_INFINITY

  constructor(settings: Config, local: LocalTime, registry: Registry, book: Book) {
    this.#settings = settings
    this.#local = local
    this.#registry = registry
    this.#book = book
  }

  /** Telemetry of everything is missing. */
  get isBlind(): boolean {
    return this.#isBlind
  }

  isOwn({ id }: Watched): boolean {
    return this.#own.has(id)
  }

  /** After each tick that told how long signals are silent. */
  review(at: number, round: Round, sensors: SensorHealth, effect: (watched: Watched) => Severity): void {
    const { everywhere, silent, regular, since } = round
    this.#isBlind = everywhere.length > 0
    if (this.#isBlind) {
      const gone = everywhere.join(', ')
      const text = `telemetry lost: no ${gone} from ${silent} of ${regular} services since ${this.#local.second(since, at)}`
      this.#open(this.#entity(allSources), 'blind', at, since, 'high', text, silenceFindings(at - since, silent))
    } else this.#perhapsClear(allSources, at)
    for (const sensor of sensors.all())
      if (sensor.watched.entity.kind === 'service') this.#reviewOne(sensor, at, round.lateShare, effect)
    if (!this.#isBlind) this.#reviewUnscored(at)
  }

  /** No features came for long, by the clock. `at`: end of the last window, seconds. */
  noData(at: number, silentSeconds: number): void {
    this.#isBlind = true
    const text = `telemetry lost: no features of anything for ${amount(silentSeconds, 's')}; the last are of ${this.#local.second(at)}`
    this.#open(this.#entity(allSources), 'blind', at, at, 'high', text, silenceFindings(silentSeconds, 0))
  }

  /** So many entities were judged in the tick. */
  scored(at: number, entities: number): void {
    if (entities >= Math.max(1, halfOfUsual * this.#usuallyScored)) this.#scoredAt = at
    if (Number.isNaN(this.#stretchFrom)) this.#stretchFrom = at
    this.#mostInStretch = Math.max(this.#mostInStretch, entities)
    if (this.#usuallyScored === 0) this.#usuallyScored = Math.min(1, entities)
    if (at - this.#stretchFrom < unscoredAfter) return
    this.#endStretch(this.#mostInStretch)
    this.#stretchFrom = at
    this.#mostInStretch = 0
  }

  #endStretch(most: number): void {
    const usual = this.#usuallyScored
    this.#stretches++
    if (this.#stretches <= enoughStretches) {
      this.#fewest = Math.min(this.#fewest, most)
      if (this.#stretches === enoughStretches) this.#usuallyScored = this.#fewest
    } else if (most >= usual) this.#usuallyScored += (most - usual) * slowly
    else this.#usuallyScored = most >= halfOfUsual * usual ? most : usual + (most - usual) * soon
  }

  /** How far the end of the latest window is behind the clock: what counts is how much further than at its best lately. */
  lag(at: number, lagSeconds: number, nowMs: number): void {
    if (nowMs - this.#bestSince > bestLagFor / 2) {
      this.#bestLags = [this.#bestLags[1], Number.POSITIVE_INFINITY]
      this.#bestSince = nowMs
    }
    this.#bestLags[1] = Math.min(this.#bestLags[1], lagSeconds)
    const behind = lagSeconds - Math.min(...this.#bestLags)
    const most = this.#settings.max_lag / 1000
    if (behind > most) {
      const text = `analysis is ${amount(behind, 's')} behind what it was at its best in the last hour`
      const finding = { ...noFinding, feature: 'vigil.analysis.lag', observed: behind, upper: most }
      this.#open(this.#entity(analysis), 'blind', at, at - behind, 'high', text, [finding])
    } else if (behind < most / 2 && !this.#isUnscored(at)) this.#perhapsClear(analysis, at)
  }

  forget(watched: Watched): void {
    this.#lostAt.delete(watched)
    this.#well.delete(watched)
  }

  save(): BlindnessState {
    return { scoredAt: this.#scoredAt, usuallyScored: this.#usuallyScored, stretches: this.#stretches }
  }

  restore({ scoredAt, usuallyScored, stretches = 0 }: BlindnessState): void {
    this.#scoredAt = scoredAt
    this.#stretches = stretches
    this.#usuallyScored = usuallyScored
    const all = this.#registry.find(entityId(allSources))
    this.#isBlind = all !== undefined && all.alarms.length > 0
  }

  #reviewOne(
    { watched, health, silent, silentSince, because }: Sensor,
    at: number,
    lateShare: number,
    effect: (watched: Watched) => Severity,
  ): void {
    if (health !== 'lost') this.#lostAt.delete(watched)
    if (health === 'heard') {
      for (const alarm of watched.alarms.slice())
        if (alarm.detector === detector) this.#clearOnceWell(watched, alarm, at)
      return
    }
    this.#well.delete(watched)
    const label = entityLabel(watched.entity)
    const findings = silenceFindings(at - silentSince, 0)
    const since = this.#local.second(silentSince, at)
    if (health === 'down') {
      const text = `${label} is silent since ${since}: ${because}`
      const unknown = this.#book.find(watched, 'blind')
      if (unknown !== undefined) this.#book.clear(watched, unknown, at, text)
      this.#open(watched, 'silent', at, silentSince, effect(watched), text, findings)
      return
    }
    if (health !== 'lost' || this.#isBlind) return
    // Where many are late, it is not this one: a moment later it is known to be all of them.
    const lostAt = this.#lostAt.get(watched) ?? at
    this.#lostAt.set(watched, lostAt)
    if (lateShare >= manyLate && at - lostAt < lateFor) return
    if (watched.alarms.some(({ type }) => type === 'silent' || type === 'drop')) return
    const text = `telemetry lost from ${label}: no ${silent.join(', ')} since ${since}, and nothing else says that it does not work`
    this.#open(watched, 'blind', at, silentSince, 'low', text, findings)
  }

  #reviewUnscored(at: number): void {
    if (!this.#isUnscored(at)) return
    const since = this.#scoredAt
    const text = `analysis is blind: features come, but fewer than half of the usual ${amount(Math.round(this.#usuallyScored), '{entity}')} were judged since ${this.#local.second(since, at)}`
    const finding = { ...noFinding, feature: 'vigil.analysis.unscored', observed: at - since }
    this.#open(this.#entity(analysis), 'blind', at, since, 'high', text, [finding])
  }

  #isUnscored(at: number): boolean {
    return this.#usuallyScored >= 1 && at - this.#scoredAt > unscoredAfter
  }

  /** Of all sources, or of the analysis. */
  #perhapsClear(entity: Entity, at: number): void {
    const watched = this.#registry.find(entityId(entity))
    const [alarm] = watched?.alarms ?? []
    if (watched !== undefined && alarm !== undefined) this.#clearOnceWell(watched, alarm, at)
  }

  #clearOnceWell(watched: Watched, alarm: Alarm, at: number): void {
    const well = (this.#well.get(watched) ?? 0) + 1
    if (well < wellNeeded) {
      this.#well.set(watched, well)
      return
    }
    this.#well.delete(watched)
    this.#book.clear(watched, alarm, at)
  }

  #open(
    watched: Watched,
    type: 'blind' | 'silent',
    at: number,
    onset: number,
    severity: Severity,
    text: string,
    findings: readonly Finding[],
  ): void {
    this.#well.delete(watched)
    watched.completeness = type === 'blind' ? 0 : watched.completeness
    this.#book.open({ watched, type, detector, at, onset, uncertainty: 10, severity, text, findings })
  }

  #entity(entity: Entity): Watched {
    return this.#registry.find(entityId(entity)) ?? this.#registry.add(entity)
  }
}

const noFinding = {
  window: '',
  quantile: '',
  unit: 's',
  contribution: 1,
  lower: undefined,
  upper: undefined,
  samples: undefined,
} as const

/** How long it is silent, and how many are. */
function silenceFindings(seconds: number, services: number): Finding[] {
  const age = { ...noFinding, feature: 'vigil.signal.age', observed: Math.max(0, seconds) }
  return services === 0
    ? [age]
    : [age, { ...age, feature: 'vigil.silent.services', unit: '{entity}', observed: services }]
}
