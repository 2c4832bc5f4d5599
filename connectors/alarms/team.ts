/** What a team has agreed to, and how strange something must be so that it holds. */
import { PageBudget, type PageBudgetState } from '../../models/page-budget.ts'
import { type KofN, windowP } from '../../models/run-rules.ts'

/** How an alarm came about: by one window alone, by some of the last, or by evidence that has collected. */
export const rules = ['window', 'hits', 'evidence'] as const
export type Rule = (typeof rules)[number]

/** The tickets of a week are divided among the rules: each is a way to be wrong. */
const shares: Readonly<Record<Rule, number>> = { window: 0.5, hits: 0.3, evidence: 0.2 }

/** p are told apart down to 1e-12: what has that is alarmed, or, where the budget is used up, what has that and a large effect. */
const bounds = { leastP: 2e-12, mostP: 1e-2 }
/** A probability that no window has by itself. */
const boundsOfMany = { leastP: 1e-60, mostP: 1e-2 }

const weekSeconds = 604_800
/** What goes wrong within so many seconds of each other is one thing to the person who gets it, but not for ever. */
const episodeGap = 600
const episodeLength = 3_600
/** Weight of a tick in the number of decisions: more count at once, fewer slowly. */
const fewer = 1 / 360

export interface TeamState {
  readonly name: string
  readonly tickets: Readonly<Record<Rule, PageBudgetState>>
  readonly pages: PageBudgetState
  readonly entities: number
  readonly episode: readonly [from: number, last: number, lastPage: number]
}

export interface TeamBudget {
  readonly tickets_per_week: number
  readonly pages_per_week: number
}

export class Team {
  readonly name: string
  readonly budget: TeamBudget
  readonly #rule: KofN
  readonly #windowSeconds: number
  readonly #tickets: Readonly<Record<Rule, PageBudget>>
  readonly #pages: PageBudget
  /** In all, and by who judges them. */
  #entities = 0
  readonly #entitiesOf = new Map<object, number>()
  #scored = 0
  /** The latest event time of anybody: what comes late comes now to the person who gets it. */
  #now = Number.NEGATIVE_INFINITY
  /** What `hitP` is of. */
  #falseHits = Number.NaN
  #episodeFrom = Number.NEGATIVE_INFINITY
  #lastAlarm = Number.NEGATIVE_INFINITY
  #lastPage = Number.NEGATIVE_INFINITY
  /** What p must be below, by rule: of the window itself; of one of k windows; the rate of false alarms by evidence. */
  windowP = 0
  hitP = 0
  evidenceRate = 0
  pageP = 0
  /** Whether a window alone would have to be stranger than can be told. */
  isUsedUp = false

  constructor(name: string, budget: TeamBudget, rule: KofN, windowSeconds: number) {
    this.name = name
    this.budget = budget
    this.#rule = rule
    this.#windowSeconds = windowSeconds
    const perWeek = (of: Rule) => budget.tickets_per_week * shares[of]
    this.#tickets = {
      window: new PageBudget({ ...bounds, perWeek: perWeek('window') }),
      hits: new PageBudget({ ...boundsOfMany, perWeek: perWeek('hits') }),
      evidence: new PageBudget({ ...boundsOfMany, perWeek: perWeek('evidence') }),
    }
    this.#pages = new PageBudget({ ...bounds, perWeek: budget.pages_per_week })
  }

  /** One entity of the team was judged in this tick. */
  scored(): void {
    this.#scored++
  }

  /** Before the decisions of a tick, once its entities are `scored`. `tickSeconds` = what two ticks of `judge` are apart. */
  prepare(at: number, tickSeconds: number, judge: object): void {
    const scored = this.#scored
    this.#scored = 0
    const before = this.#entitiesOf.get(judge) ?? this.#restoredEntities()
    const after = scored > before ? scored : before + (scored - before) * fewer
    this.#entitiesOf.set(judge, after)
    this.#entities += after - before
    const now = this.#reach(at)
    for (const rule of rules) this.#tickets[rule].observe(now, 0)
    this.#pages.observe(now, 0)
    const windows = (this.#entities * weekSeconds) / this.#windowSeconds
    // Each tick may alarm by itself, and those within a window are hardly less independent that far out than windows are.
    const ticks = (this.#entities * weekSeconds) / Math.min(tickSeconds, this.#windowSeconds)
    this.windowP = this.#tickets.window.p(ticks)
    this.isUsedUp = this.#tickets.window.isUsedUp(ticks)
    const falseHits = this.#tickets.hits.p(windows)
    if (!(Math.abs(falseHits / this.#falseHits - 1) < 0.01)) {
      this.#falseHits = falseHits
      this.hitP = windowP(this.#rule, falseHits)
    }
    this.evidenceRate = this.#tickets.evidence.p(windows)
    this.pageP = this.#pages.p(ticks)
  }

  /** An alarm was opened. What comes with others counts once. */
  opened(at: number, rule: Rule): void {
    const now = this.#reach(at)
    const goesOn = now - this.#lastAlarm <= episodeGap && now - this.#episodeFrom < episodeLength
    this.#lastAlarm = now
    if (goesOn) return
    this.#episodeFrom = now
    this.#tickets[rule].observe(now, 1)
  }

  /** It was one of those that may become a page. */
  paged(at: number): void {
    const now = this.#reach(at)
    const goesOn = now - this.#lastPage <= episodeGap
    this.#lastPage = now
    if (!goesOn) this.#pages.observe(now, 1)
  }

  #reach(at: number): number {
    this.#now = Math.max(this.#now, at)
    return this.#now
  }

  /** What a predecessor knew of goes to who comes first. */
  #restoredEntities(): number {
    return this.#entitiesOf.size === 0 ? this.#entities : 0
  }

  /** Of evidence: the rate of false alarms a window. */
  threshold(of: Rule | 'page'): number {
    const { windowP, hitP, evidenceRate, pageP } = this
    return { window: windowP, hits: hitP, evidence: evidenceRate, page: pageP }[of]
  }

  correction(of: Rule | 'page'): number {
    return (of === 'page' ? this.#pages : this.#tickets[of]).correction
  }

  save(): TeamState {
    const { window, hits, evidence } = this.#tickets
    return {
      name: this.name,
      tickets: { window: window.save(), hits: hits.save(), evidence: evidence.save() },
      pages: this.#pages.save(),
      entities: this.#entities,
      episode: [this.#episodeFrom, this.#lastAlarm, this.#lastPage],
    }
  }

  restore({ tickets, pages, entities, episode }: TeamState): void {
    for (const rule of rules) this.#tickets[rule].restore(tickets[rule])
    this.#pages.restore(pages)
    this.#entities = entities
    ;[this.#episodeFrom, this.#lastAlarm, this.#lastPage] = episode
  }
}

export class Teams {
  readonly #budgetOf: (name: string) => TeamBudget
  readonly #rule: KofN
  readonly #windowSeconds: number
  readonly #created: (name: string) => void
  readonly #teams = new Map<string, Team>()

  constructor(
    budgetOf: (name: string) => TeamBudget,
    rule: KofN,
    windowSeconds: number,
    created: (name: string) => void,
  ) {
    this.#budgetOf = budgetOf
    this.#created = created
    this.#rule = rule
    this.#windowSeconds = windowSeconds
  }

  /** Beyond `maxTeams` everybody else is one. */
  of(name: string): Team {
    const known = this.#teams.get(name)
    if (known !== undefined) return known
    if (this.#teams.size >= maxTeams && name !== '') return this.of('')
    const team = new Team(name, this.#budgetOf(name), this.#rule, this.#windowSeconds)
    this.#teams.set(name, team)
    this.#created(name)
    return team
  }

  find(name: string): Team | undefined {
    return this.#teams.get(name)
  }

  save(): TeamState[] {
    return [...this.#teams.values()].map((team) => team.save())
  }

  /** Of those that several had, the first counts. */
  restore(states: readonly TeamState[]): void {
    for (const state of states) if (!this.#teams.has(state.name)) this.of(state.name).restore(state)
  }
}

const maxTeams = 1_000
