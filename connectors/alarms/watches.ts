/** A watch for each origin that somebody further on tells apart, and what they say. */
import type { CatalogEntry, ServiceCatalog } from '../../pipeline/capability/service-catalog.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Metrics, Origin } from '../../pipeline/data/telemetry.ts'
import type { Outbox } from '../../pipeline/streams/outbox.ts'
import { windows } from '../../pipeline/vocabulary/features.ts'
import type { Config } from './config.ts'
import { newOutbox, type Waiting } from './outbox.ts'
import type { State } from './state.ts'
import { Teams } from './team.ts'
import { observe, observeTeam, type WatchCounts, watchCounts } from './telemetry.ts'
import { Watch } from './watch.ts'

interface Kept {
  readonly origin: Origin
  readonly watch: Watch
  /** By the monotonic clock. */
  heardMs: number
  /** The longest that it was between two ticks, lately. */
  usualMs: number
}

const nobody: CatalogEntry = {}
/** Origins beyond these are taken for the first. */
const maxWatches = 256
/** What stands before needs this long at a start until something comes. */
const startMs = 35_000
/** What is usual forgets by this much a tick: half in two hours. */
const forgetting = 0.999

export class Watches {
  readonly outbox: Outbox<Waiting>
  catalog: ServiceCatalog | undefined
  readonly #settings: Config
  readonly #context: Context
  readonly #counts: WatchCounts
  readonly #byOrigin = new Map<string, Kept>()
  /** One for all origins, unless each has budgets of its own. */
  readonly #teams: Teams | undefined
  readonly #observed = new Set<string>()
  #saidThatItLearns = false

  constructor(settings: Config, context: Context) {
    this.#settings = settings
    this.#context = context
    this.#counts = watchCounts(context.meter)
    this.outbox = newOutbox(context)
    this.#teams = settings.budget_per_tenant ? undefined : this.#newTeams()
  }

  /** Time begins to count: what a predecessor heard is as good as heard a little later than now. */
  begin(): void {
    observe(this.#context.meter, () => this.#figures())
    for (const kept of this.#byOrigin.values()) kept.heardMs = this.#context.clock.nowMs() + startMs
  }

  /** True where there is something to say. */
  read(batch: Metrics): boolean {
    const kept = this.#of(batch.origin)
    const before = this.outbox.added
    if (kept.watch.read(batch)) {
      const { clock } = this.#context
      const nowMs = clock.nowMs()
      const gapMs = Math.min(Math.max(0, nowMs - kept.heardMs), this.#limit(kept))
      kept.usualMs = Math.max(kept.usualMs * forgetting, gapMs)
      kept.heardMs = nowMs
      const lag = Number(clock.nowUnixNano()) / 1e9 - kept.watch.at
      kept.watch.blindness.lag(kept.watch.at, lag, kept.heardMs)
      this.#sayThatItLearns(kept.watch)
    }
    return this.outbox.added > before
  }

  /** By the clock: does anything come at all? True where there is something to say, or something was refused. */
  look(): boolean {
    const before = this.outbox.added
    const nowMs = this.#context.clock.nowMs()
    for (const kept of this.#byOrigin.values()) {
      const silentMs = nowMs - kept.heardMs
      const { at, blindness } = kept.watch
      if (Number.isFinite(at) && silentMs > this.#limit(kept)) blindness.noData(at, silentMs / 1000)
    }
    return this.outbox.added > before || this.outbox.size > 0
  }

  #limit({ usualMs }: Kept): number {
    return Math.max(this.#settings.no_data_after, 2 * usualMs)
  }

  save(isEverything: boolean): State {
    return {
      version: 1,
      teams: this.#teams?.save() ?? [],
      watches: [...this.#byOrigin.values()].map(({ origin, watch }) => ({
        ...watch.save(origin, isEverything),
        teams: this.#teams === undefined ? watch.teams.save() : [],
      })),
      waiting: this.outbox.save(),
    }
  }

  restore({ watches, teams = [], waiting }: State): void {
    this.#teams?.restore(teams)
    for (const state of watches) {
      const { watch } = this.#of(state.origin)
      watch.restore(state)
      watch.teams.restore(state.teams.length > 0 ? state.teams : teams)
    }
    this.outbox.restore(waiting)
  }

  #of(origin: Origin): Kept {
    const key = this.#context.originKey(origin)
    let kept = this.#byOrigin.get(key)
    if (kept !== undefined) return kept
    const first = this.#byOrigin.values().next().value
    if (first !== undefined && this.#byOrigin.size >= maxWatches) return first
    const watch = new Watch(this.#settings, {
      lookup: (entity) => this.catalog?.lookup(entity) ?? nobody,
      nowUnixNano: () => this.#context.clock.nowUnixNano(),
      say: (anomaly) => this.outbox.add({ origin, anomaly }),
      counts: this.#counts,
      teams: this.#teams ?? this.#newTeams(),
    })
    kept = { origin, watch, heardMs: this.#context.clock.nowMs(), usualMs: 0 }
    this.#byOrigin.set(key, kept)
    return kept
  }

  #sayThatItLearns({ cold }: Watch): void {
    if (this.#saidThatItLearns || cold === 0) return
    this.#saidThatItLearns = true
    this.#context.logger.info('Alarms keep quiet about entities that are still being learned.', { entities: cold })
  }

  #newTeams(): Teams {
    const { tickets_per_week, pages_per_week, teams, min_hits, of_windows, window } = this.#settings
    const budgetOf = (name: string) => ({ tickets_per_week, pages_per_week, ...defined(teams[name]) })
    return new Teams(budgetOf, { k: min_hits, n: of_windows }, windows[window], (name) => this.#observeTeam(name))
  }

  #observeTeam(name: string): void {
    if (this.#observed.has(name)) return
    this.#observed.add(name)
    const all = () =>
      [...this.#byOrigin.values()].map(({ watch }) => watch.teams.find(name)).filter((team) => team !== undefined)
    observeTeam(this.#context.meter, name, all)
  }

  #figures() {
    const sum = { entities: 0, cold: 0, active: 0 }
    for (const { watch } of this.#byOrigin.values()) {
      sum.entities += watch.registry.size
      sum.cold += watch.cold
      sum.active += watch.book.active
    }
    return sum
  }
}

function defined<T extends object>(budget: T | undefined): Partial<{ [K in keyof T]: Exclude<T[K], undefined> }> {
  return Object.fromEntries(Object.entries(budget ?? {}).filter(([, value]) => value !== undefined)) as Partial<{
    [K in keyof T]: Exclude<T[K], undefined>
  }>
}
