/** A book for each origin that somebody further on tells apart, and what goes out of them. */
import type { Crossings } from '../../pipeline/capability/crossings.ts'
import type { CatalogEntry, ServiceCatalog } from '../../pipeline/capability/service-catalog.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Logs, Origin } from '../../pipeline/data/telemetry.ts'
import type { Outbox } from '../../pipeline/streams/outbox.ts'
import { readAnomaly } from '../../pipeline/vocabulary/anomaly.ts'
import { readChange } from '../../pipeline/vocabulary/change.ts'
import { readFeedback } from '../../pipeline/vocabulary/feedback.ts'
import { LocalTime } from '../../pipeline/vocabulary/natural-units.ts'
import { affectedBy, crossingsOf } from './affected.ts'
import { seconds } from './alarm.ts'
import { Book } from './book.ts'
import { Changes } from './changes.ts'
import type { Config } from './config.ts'
import { GraphSource } from './graph-source.ts'
import { Maintenance } from './maintenance.ts'
import { newOutbox, type Waiting } from './outbox.ts'
import { People } from './people.ts'
import { incidentOf, type World } from './revise.ts'
import type { State } from './state.ts'
import { countsOf, observe } from './telemetry.ts'

interface Kept {
  readonly origin: Origin
  readonly book: Book
}

const nobody: CatalogEntry = {}
/** Origins beyond these are taken for the first. */
const maxBooks = 256
/** A graph that is older is read again when an alarm comes. */
const freshMs = 5_000

export class Books {
  readonly outbox: Outbox<Waiting>
  readonly graphs: GraphSource
  catalog: ServiceCatalog | undefined
  #crossings: Crossings | undefined
  readonly #settings: Config
  readonly #context: Context
  readonly #counts: ReturnType<typeof countsOf>
  readonly #maintenance: Maintenance
  readonly #people: People
  readonly #changes = new Changes()
  readonly #local: LocalTime
  readonly #byOrigin = new Map<string, Kept>()
  /** By the clock: until when openings wait for the first graph; undefined = nothing waits. */
  #waitUntilMs: number | undefined

  /** `changed`: something may be due without anything having come in. */
  constructor(settings: Config, context: Context, changed: () => void) {
    this.#settings = settings
    this.#context = context
    this.#counts = countsOf(context)
    this.outbox = newOutbox(context)
    this.#maintenance = new Maintenance(settings.maintenance, settings.time_zone)
    this.#local = new LocalTime(settings.time_zone)
    this.graphs = new GraphSource(settings, context, () => {
      for (const { book } of this.#byOrigin.values()) {
        book.graph = this.graphs.graph
        if (!book.isEmpty) book.touch()
      }
      changed()
    })
    this.#people = new People(
      () => [...this.#byOrigin.values()].map(({ book }) => book),
      this.#maintenance,
      context.logger,
      (feedback, of) => {
        const kept =
          [...this.#byOrigin.values()].find(({ book }) => book === of) ?? this.#byOrigin.values().next().value
        if (kept !== undefined) this.outbox.add({ origin: kept.origin, feedback })
      },
    )
  }

  begin(): void {
    this.graphs.start()
    const { feature_store: id } = this.#settings
    if (id !== undefined) this.#crossings = crossingsOf(this.#context, id)
    observe(this.#context, () => this.#figures())
  }

  /** True where it changed anything. */
  read(batch: Logs): boolean {
    const kept = this.#of(batch.origin)
    const { book } = kept
    let ignored = 0
    for (const record of batch) {
      const anomaly = readAnomaly(record)
      if (anomaly !== undefined) {
        this.#counts.heard()
        // What other systems say of time is not what moves it on.
        if (anomaly.detector === 'foreign' && seconds(anomaly.until) > this.#clockSeconds())
          book.hear({ ...anomaly, until: String(this.#context.clock.nowUnixNano()) })
        else book.hear(anomaly)
        continue
      }
      const feedback = readFeedback(record)
      if (feedback !== undefined) {
        // Of what has not been told yet nobody speaks; but what came before in the same batch counts.
        book.settle()
        this.#people.hear(feedback)
        continue
      }
      const change = readChange(record)
      if (change === undefined) ignored++
      else this.#changes.add(change)
    }
    if (ignored > 0) this.#counts.ignored(ignored)
    if (!book.isEmpty) this.#readGraph(book)
    return ignored < batch.count
  }

  /** What time has brought, and what is due: it lies in the outbox then. True where there is something new. */
  look(): boolean {
    const before = this.outbox.size
    const isReady = this.#isReady()
    let hasTold = false
    for (const { origin, book } of this.#byOrigin.values()) {
      book.settle()
      if (!isReady && this.#waitUntilMs === undefined)
        this.#waitUntilMs = this.#context.clock.nowMs() + this.#settings.graph_wait
      for (const { of, reason, said } of book.due(isReady)) {
        this.outbox.add({ origin, incident: incidentOf(of, reason, said, this.#world(book)) })
        this.#counts.revised(reason)
        hasTold = true
      }
    }
    return hasTold || this.outbox.size > before
  }

  /** By the clock, in ms from now: when to look next; undefined = when something comes. */
  get nextLookMs(): number | undefined {
    const nowMs = this.#context.clock.nowMs()
    let next = this.#isReady() ? undefined : this.#waitUntilMs
    for (const { book } of this.#byOrigin.values()) {
      const due = book.nextDueMs()
      // What waits for the graph is due no sooner.
      if (due !== undefined && (this.#isReady() || due > nowMs)) next = Math.min(next ?? Number.POSITIVE_INFINITY, due)
    }
    return next === undefined ? undefined : Math.max(0, next - nowMs)
  }

  /** Now and then, so that it is there when it is needed. */
  readGraph(): void {
    const running = [...this.#byOrigin.values()].find(({ book }) => Number.isFinite(book.now))
    this.graphs.read(running?.book.now ?? this.#clockSeconds())
  }

  save(): State {
    return {
      version: 1,
      books: [...this.#byOrigin.values()].map(({ origin, book }) => ({ origin, book: book.save() })),
      people: this.#people.save(),
      maintenance: this.#maintenance.save(),
      changes: this.#changes.save(),
      waiting: this.outbox.save(),
    }
  }

  restore({ books, people, maintenance, changes, waiting }: State): void {
    for (const { origin, book } of books) this.#of(origin).book.restore(book)
    this.#people.restore(people)
    this.#maintenance.restore(maintenance)
    this.#changes.restore(changes)
    this.outbox.restore(waiting)
  }

  #readGraph(book: Book): void {
    if (!this.graphs.isThere || this.graphs.ageMs > freshMs) this.graphs.read(book.now)
  }

  #isReady(): boolean {
    if (this.graphs.isThere) return true
    return this.#waitUntilMs !== undefined && this.#context.clock.nowMs() >= this.#waitUntilMs
  }

  #of(origin: Origin): Kept {
    const key = this.#context.originKey(origin)
    let kept = this.#byOrigin.get(key)
    if (kept !== undefined) return kept
    const first = this.#byOrigin.values().next().value
    if (first !== undefined && this.#byOrigin.size >= maxBooks) return first
    const book = new Book(this.#settings, this.#maintenance, this.#counts, () => this.#context.clock.nowMs())
    book.graph = this.graphs.graph
    kept = { origin, book }
    this.#byOrigin.set(key, kept)
    return kept
  }

  #world(book: Book): World {
    return {
      now: book.now,
      observedUnixNano: this.#context.clock.nowUnixNano(),
      local: this.#local,
      lookup: (entity) => this.catalog?.lookup(entity) ?? nobody,
      affected: (members) => affectedBy(members, this.#crossings),
      changes: ({ members }) => {
        const places = new Set<string>()
        for (const { place, role } of members.slice(0, 64)) {
          if (role === 'attached') continue
          places.add(place)
          for (const callee of book.graph?.callees(place, this.#settings.max_hops).keys() ?? []) places.add(callee)
        }
        const onset = members.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY)
        return this.#changes.near(places, onset)
      },
    }
  }

  #clockSeconds(): number {
    return Number(this.#context.clock.nowUnixNano()) / 1e9
  }

  #figures() {
    const sum = { open: 0, alarms: 0, suppressed: 0, repeated: 0 }
    for (const { book } of this.#byOrigin.values()) {
      sum.open += book.cases.size
      sum.alarms += book.live.size
      sum.repeated += book.live.repeated
      for (const { role, incident } of book.live.all())
        if (role === 'symptom' && incident !== undefined) sum.suppressed++
    }
    const { failed, graph, ageMs } = this.graphs
    return {
      ...sum,
      waiting: this.outbox.size,
      failedGraphs: failed,
      graphAge: graph === undefined ? Number.NaN : ageMs / 1_000,
    }
  }
}
