/** Everything that is known of one origin's entities: what came in of them, and what is decided each tick. */
import type { CatalogEntry } from '../../pipeline/capability/service-catalog.ts'
import type { Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import type { Anomaly } from '../../pipeline/vocabulary/anomaly.ts'
import type { Entity } from '../../pipeline/vocabulary/entity.ts'
import { windows } from '../../pipeline/vocabulary/features.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { paneSeconds } from '../../pipeline/vocabulary/panes.ts'
import { Blindness } from './blindness.ts'
import { Book } from './book.ts'
import { CommonCauses } from './common-causes.ts'
import type { Config } from './config.ts'
import { Intake } from './intake.ts'
import { Judge } from './judge.ts'
import { Openings, type Strange } from './openings.ts'
import { Readings } from './readings.ts'
import { SensorHealth } from './sensor-health.ts'
import type { WatchState } from './state.ts'
import type { Team, Teams } from './team.ts'
import type { WatchCounts } from './telemetry.ts'
import { Registry, restoredWatched, savedWatched, type Watched } from './watched.ts'

export interface Surroundings {
  readonly lookup: (entity: Entity) => CatalogEntry
  readonly nowUnixNano: () => bigint
  readonly say: (anomaly: Anomaly) => void
  readonly counts: WatchCounts
  /** Who gets the alarms, and how many they agreed to. */
  readonly teams: Teams
}

/** Looks for entities to forget no more often than this. Seconds. */
const sweepEvery = 60
/** So long without a tick is a pause, after which sources have this long to be heard of again. Seconds. */
const pause = 60
const grace = 30

export class Watch {
  readonly registry = new Registry()
  readonly sensors: SensorHealth
  readonly judge: Judge
  readonly book: Book
  readonly teams: Teams
  readonly blindness: Blindness
  readonly #commonCauses: CommonCauses
  readonly #openings: Openings
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
    this.teams = surroundings.teams
    this.#intake = new Intake(settings.max_entities, this.registry, this.sensors, surroundings.counts, () =>
      this.#makeRoom(),
    )
    this.blindness = new Blindness(settings, local, this.registry, this.book)
    this.#commonCauses = new CommonCauses({
      share: settings.common_share,
      windowSeconds: this.#windowSeconds,
      local,
      registry: this.registry,
      book: this.book,
    })
    this.#openings = new Openings({
      windowSeconds: this.#windowSeconds,
      quietP: settings.quiet_p,
      book: this.book,
      judge: this.judge,
      commonCauses: this.#commonCauses,
      counts: surroundings.counts,
      lookup: (entity) => surroundings.lookup(entity),
      teamOf: (watched) => this.#teamOf(watched),
      knowledge: () => ({
        registry: this.registry,
        sensors: this.sensors,
        isBlind: this.blindness.isBlind,
        at: this.at,
      }),
    })
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
  save(origin: Origin, isEverything: boolean): Omit<WatchState, 'teams'> {
    const needed = ({ entity, alarms, openings }: Watched) =>
      isEverything || entity.kind === 'service' || alarms.length > 0 || openings.length > 0
    return {
      origin,
      at: this.at,
      decidedAt: this.#intake.decidedAt,
      entities: [...this.registry.all()].filter(needed).map(savedWatched),
      sensors: this.sensors.save(),
      blindness: this.blindness.save(),
      hits: isEverything ? this.judge.hits.save() : new Uint32Array(0),
      stated: this.judge.stated.save(),
      evidence: isEverything ? this.judge.evidence.save() : new Float64Array(0),
    }
  }

  restore({ at, decidedAt, entities, sensors, blindness, hits, evidence, stated }: WatchState): void {
    this.#intake.at = at
    this.#intake.decidedAt = decidedAt
    for (const state of entities) this.registry.put(restoredWatched(state))
    for (const watched of this.registry.all()) {
      this.book.adopt(watched)
      this.#commonCauses.adopt(watched)
    }
    this.registry.fillGaps()
    this.sensors.restore(sensors)
    this.blindness.restore(blindness)
    this.judge.stated.restore(stated)
    if (hits.length > 0) this.judge.hits.restore(hits)
    if (evidence.length > 0) this.judge.evidence.restore(evidence)
  }

  /** Forgets what was not heard of for long. */
  sweep(): void {
    const oldest = this.at - this.#settings.entity_expiration / 1000
    this.#sweptAt = this.at
    const isOwn = (watched: Watched) => this.blindness.isOwn(watched) || this.#commonCauses.isOwn(watched)
    const isIdle = (watched: Watched) => watched.seenAt < oldest && !isOwn(watched)
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
    this.blindness.review(at, round, this.sensors, (watched) => this.#openings.effect(watched, 'silent', []))
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
    for (const team of teams) team.prepare(at, this.#tickSeconds, this)
    const strange: Strange[] = []
    for (const watched of scored) {
      const one = this.#decideOne(watched, watched.team as Team, at)
      if (one !== undefined) strange.push(one)
    }
    if (strange.length > 0) this.#openings.open(strange, at)
    this.#commonCauses.review(at)
    this.blindness.scored(at, scored.length)
  }

  #decideOne(watched: Watched, team: Team, at: number): Strange | undefined {
    const verdict = this.judge.decide(watched, at, team)
    if (verdict.isLook) {
      watched.team = undefined
      if (watched.alarms.length > 0) this.book.step(watched, at, (type) => this.#openings.severity(watched, type, at))
    }
    return this.#openings.strange(watched, team, verdict, at)
  }

  #teamOf({ entity }: Watched): Team {
    return this.teams.of(this.#entry(entity).owner ?? '')
  }

  #entry(entity: Entity): CatalogEntry {
    return this.#surroundings.lookup(entity)
  }
}
