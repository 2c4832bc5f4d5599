/** Everything that is known of one origin's entities: what came in of them, and what is decided each tick. */
import type { CatalogEntry } from '../../pipeline/capability/service-catalog.ts'
import type { Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import type { Anomaly, AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, entityId, serviceOf } from '../../pipeline/vocabulary/entity.ts'
import type { Severity } from '../../pipeline/vocabulary/event.ts'
import { windows } from '../../pipeline/vocabulary/features.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { paneSeconds } from '../../pipeline/vocabulary/panes.ts'
import { findingsOf, kindsOf } from './anomaly-type.ts'
import { Blindness } from './blindness.ts'
import { Book, boundedByPages, fusedDetector, ownShare, recent } from './book.ts'
import type { Config } from './config.ts'
import type { Finding } from './explanation.ts'
import { type Held, heldBack } from './gate.ts'
import { Intake } from './intake.ts'
import { Judge, type Verdict } from './judge.ts'
import { Readings } from './readings.ts'
import { SensorHealth } from './sensor-health.ts'
import { rankOf, severityOf } from './severity.ts'
import type { WatchState } from './state.ts'
import { type Rule, type Team, Teams } from './team.ts'
import type { WatchCounts } from './telemetry.ts'
import { Registry, restoredWatched, savedWatched, type Watched } from './watched.ts'

export interface Surroundings {
  readonly lookup: (entity: Entity) => CatalogEntry
  readonly nowUnixNano: () => bigint
  readonly say: (anomaly: Anomaly) => void
  readonly counts: WatchCounts
  /** A team that there was not before. */
  readonly newTeam: (name: string) => void
}

/** Looks for entities to forget no more often than this. Seconds. */
const sweepEvery = 60
/** So long without a tick is a pause, after which sources have this long to be heard of again. Seconds. */
const pause = 60
const grace = 30
/** Explanations older than this many windows are not asked any more. */
const explanationWindows = 3
/** A small shift is strange enough to be explained only now and then. */
const shiftWindows = 15

export class Watch {
  readonly registry = new Registry()
  readonly sensors: SensorHealth
  readonly judge: Judge
  readonly book: Book
  readonly teams: Teams
  readonly blindness: Blindness
  readonly #settings: Config
  readonly #surroundings: Surroundings
  readonly #readings = new Readings()
  readonly #windowSeconds: number
  readonly #intake: Intake
  #tickSeconds: number = paneSeconds
  #sweptAt = Number.NEGATIVE_INFINITY
  #reviewedAt = Number.NEGATIVE_INFINITY
  #graceUntil = Number.NEGATIVE_INFINITY

  constructor(settings: Config, surroundings: Surroundings) {
    this.#settings = settings
    this.#surroundings = surroundings
    this.#windowSeconds = windows[settings.window]
    const rule = { k: settings.min_hits, n: settings.of_windows }
    const local = new LocalTime(settings.time_zone)
    this.judge = new Judge(rule, this.#windowSeconds)
    this.sensors = new SensorHealth(
      {
        silentAfter: settings.silent_after / 1000,
        quietP: settings.quiet_p,
        blindShare: settings.blind_share,
      },
      this.registry,
    )
    this.book = new Book({
      windowSeconds: this.#windowSeconds,
      quietP: settings.quiet_p,
      clearAfter: settings.clear_after,
      flapSeconds: settings.flap_window / 1000,
      local,
      kinKeys: (entity) => this.registry.kinKeys(entity),
      nowUnixNano: surroundings.nowUnixNano,
      say: surroundings.say,
      opened: (type) => surroundings.counts.opened(type),
    })
    this.teams = new Teams(
      (name) => ({
        tickets_per_week: settings.tickets_per_week,
        pages_per_week: settings.pages_per_week,
        ...defined(settings.teams[name]),
      }),
      rule,
      this.#windowSeconds,
      surroundings.newTeam,
    )
    this.#intake = new Intake(settings.max_entities, this.registry, this.sensors, surroundings.counts, () =>
      this.#makeRoom(),
    )
    this.blindness = new Blindness(settings, local, this.registry, this.book)
  }

  /** End of the latest window of anything, seconds. */
  get at(): number {
    return this.#intake.at
  }
  /** Entities that are being learned, as of the last tick that said so. */
  get cold(): number {
    return this.#intake.cold
  }

  /** True where it was a tick: features, marks or scores of a later window than before. */
  read(batch: Metrics): boolean {
    const before = this.at
    this.#readings.read(
      batch,
      (meaning, value, at) => this.#intake.take(meaning, value, at),
      (at) => this.#ended(at),
    )
    return this.at > before
  }

  /** `everything` for a successor; else what a restart must not forget. */
  save(origin: Origin, isEverything: boolean): WatchState {
    const needed = ({ entity, alarms, openings }: Watched) =>
      isEverything || entity.kind === 'service' || alarms.length > 0 || openings.length > 0
    return {
      origin,
      at: this.at,
      decidedAt: this.#intake.decidedAt,
      entities: [...this.registry.all()].filter(needed).map(savedWatched),
      sensors: this.sensors.save(),
      teams: this.teams.save(),
      blindness: this.blindness.save(),
      hits: isEverything ? this.judge.hits.save() : new Uint32Array(0),
      stated: this.judge.stated.save(),
      evidence: isEverything ? this.judge.evidence.save() : new Float64Array(0),
    }
  }

  restore({ at, decidedAt, entities, sensors, teams, blindness, hits, evidence, stated }: WatchState): void {
    this.#intake.at = at
    this.#intake.decidedAt = decidedAt
    for (const state of entities) this.registry.put(restoredWatched(state))
    for (const watched of this.registry.all()) this.book.adopt(watched)
    this.registry.fillGaps()
    this.sensors.restore(sensors)
    this.teams.restore(teams)
    this.blindness.restore(blindness)
    this.judge.stated.restore(stated)
    if (hits.length > 0) this.judge.hits.restore(hits)
    if (evidence.length > 0) this.judge.evidence.restore(evidence)
  }

  /** Forgets what was not heard of for long. */
  sweep(): void {
    const oldest = this.at - this.#settings.entity_expiration / 1000
    this.#sweptAt = this.at
    const isIdle = (watched: Watched) => watched.seenAt < oldest && !this.blindness.isOwn(watched)
    for (const watched of Array.from(this.registry.all()).filter(isIdle)) {
      this.#surroundings.counts.forgotten(1)
      this.book.forget(watched, this.at)
      this.judge.forget(watched)
      this.sensors.forget(watched)
      this.blindness.forget(watched)
      this.registry.remove(watched)
      watched.isGone = true
    }
  }

  #ended(at: number): void {
    const { scored, reviewAt } = this.#intake.ended()
    if (reviewAt !== undefined) this.#review(reviewAt)
    if (scored.length === 0) return
    this.#decide(scored, at)
    if (at - this.#sweptAt >= 10 * sweepEvery) this.sweep()
  }

  #makeRoom(): void {
    if (this.at - this.#sweptAt >= sweepEvery) this.sweep()
  }

  #review(at: number): void {
    // After a pause of the analysis it is not known yet who was silent and who was only not listened to.
    if (at - this.#reviewedAt > pause) this.#graceUntil = at + grace
    this.#reviewedAt = at
    if (at < this.#graceUntil) return
    const round = this.sensors.review(at)
    this.blindness.review(at, round, this.sensors, (watched) => this.#effect(watched, 'silent', []))
  }

  #decide(scored: readonly Watched[], at: number): void {
    const { decidedAt } = this.#intake
    if (at > decidedAt) {
      const passed = Math.min(this.#windowSeconds, Math.max(1, at - decidedAt))
      this.#tickSeconds = passed < this.#tickSeconds ? passed : this.#tickSeconds + (passed - this.#tickSeconds) / 10
      this.#intake.decidedAt = at
    }
    const teams = new Set<Team>()
    for (const watched of scored) {
      const team = (watched.team ??= this.#teamOf(watched))
      team.scored()
      teams.add(team)
    }
    for (const team of teams) team.prepare(at, this.#tickSeconds)
    for (const watched of scored) this.#decideOne(watched, watched.team as Team, at)
    this.blindness.scored(at, scored.length)
  }

  #decideOne(watched: Watched, team: Team, at: number): void {
    const verdict = this.judge.decide(watched, at, team)
    if (verdict.isLook) {
      watched.team = undefined
      if (watched.alarms.length > 0) this.book.step(watched, at, (type) => this.#severity(watched, type, at))
    }
    const isActive = watched.alarms.some(({ detector }) => detector === fusedDetector)
    if (verdict.rule !== undefined || (isActive && verdict.isLook))
      this.#perhapsOpen(watched, team, verdict, isActive, at)
  }

  #perhapsOpen(watched: Watched, team: Team, { rule, isLook }: Verdict, isActive: boolean, at: number): void {
    if (isActive && (!isLook || watched.p > this.#settings.quiet_p || watched.explanation?.at !== at)) return
    const explanation = recent(
      watched.explanation,
      at,
      (rule === 'evidence' ? shiftWindows : explanationWindows) * this.#windowSeconds,
    )
    const kinds = explanation === undefined ? [] : kindsOf(explanation)
    if (rule === 'evidence' && explanation === undefined) {
      this.#surroundings.counts.held('unexplained')
      return
    }
    if (kinds.length === 0 && explanation !== undefined && explanation.findings.size > 0) {
      if (!isActive) this.#surroundings.counts.held('within_expected')
      return
    }
    let opened = 0
    for (const [i, [type, share]] of (kinds.length === 0 ? anything : kinds).entries()) {
      if (share < ownShare && (i > 0 || isActive)) continue
      if (this.book.find(watched, type) !== undefined) continue
      const held = this.#heldBack(watched, type)
      if (held !== undefined) {
        this.#surroundings.counts.held(held)
        continue
      }
      const severity = this.#severity(watched, type, at)
      const findings = explanation === undefined ? [] : findingsOf(explanation, type)
      const onset = explanation?.onset
      const alarm = this.book.open({
        watched,
        type,
        detector: fusedDetector,
        at,
        ...(onset === undefined ? {} : { onset }),
        ...(explanation?.uncertainty === undefined ? {} : { uncertainty: explanation.uncertainty }),
        findings,
        severity,
        p: watched.p,
        ...(rule === 'evidence' ? { isShift: true } : {}),
      })
      opened++
      if (alarm !== undefined && rankOf(alarm.severity) >= rankOf('high')) team.paged(at)
    }
    if (opened === 0 || isActive) return
    this.judge.forget(watched)
    team.opened(at, rule as Rule)
  }

  #heldBack(watched: Watched, type: AnomalyType): Held | undefined {
    return heldBack(watched, type, {
      registry: this.registry,
      sensors: this.sensors,
      isBlind: this.blindness.isBlind,
      at: this.at,
    })
  }

  /** Of what a p-value says: no more than medium where it is not strange enough for a page. */
  #severity(watched: Watched, type: AnomalyType, at: number): Severity {
    const explanation = recent(watched.explanation, at, explanationWindows * this.#windowSeconds)
    const findings = explanation === undefined ? [] : findingsOf(explanation, type)
    return boundedByPages(this.#effect(watched, type, findings), watched.p <= this.#teamOf(watched).pageP)
  }

  #effect(watched: Watched, type: AnomalyType, findings: readonly Finding[]): Severity {
    const { tier } = this.#entry(watched.entity)
    return severityOf(type, findings, { share: this.#shareOfService(watched), tier })
  }

  /** Of the requests of its service. */
  #shareOfService(watched: Watched): number {
    const service = serviceOf(watched.entity)
    const whole = service === undefined ? undefined : this.registry.find(entityId(service))
    if (whole === undefined || whole === watched || !(whole.requests.now > 0) || !(watched.requests.now >= 0)) return 1
    return Math.min(1, watched.requests.now / whole.requests.now)
  }

  #teamOf({ entity }: Watched): Team {
    return this.teams.of(this.#entry(entity).owner ?? '')
  }

  #entry(entity: Entity): CatalogEntry {
    return this.#surroundings.lookup(entity)
  }
}

/** What no feature explains. */
const anything: readonly [AnomalyType, number][] = [['unusual', 1]]

function defined<T extends object>(budget: T | undefined): Partial<{ [K in keyof T]: Exclude<T[K], undefined> }> {
  return Object.fromEntries(Object.entries(budget ?? {}).filter(([, value]) => value !== undefined)) as Partial<{
    [K in keyof T]: Exclude<T[K], undefined>
  }>
}
