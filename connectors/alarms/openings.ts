/** From what is strange to alarms: which kinds are opened, how bad they are, and what is held back. */
import type { CatalogEntry } from '../../pipeline/capability/service-catalog.ts'
import type { AnomalyType } from '../../pipeline/vocabulary/anomaly.ts'
import { type Entity, entityId, serviceOf } from '../../pipeline/vocabulary/entity.ts'
import type { Severity } from '../../pipeline/vocabulary/event.ts'
import { findingsOf, kindsOf } from './anomaly-type.ts'
import { type Book, boundedByPages, fusedDetector, ownShare, recent } from './book.ts'
import type { CommonCauses } from './common-causes.ts'
import { type Explanation, type Finding, memoryGrowth } from './explanation.ts'
import { type Held, heldBack, type Knowledge } from './gate.ts'
import type { Judge, Verdict } from './judge.ts'
import { rankOf, severityOf } from './severity.ts'
import type { Rule, Team } from './team.ts'
import type { WatchCounts } from './telemetry.ts'
import type { Watched } from './watched.ts'

export interface OpeningsOptions {
  readonly windowSeconds: number
  readonly quietP: number
  readonly book: Book
  readonly judge: Judge
  readonly commonCauses: CommonCauses
  readonly counts: WatchCounts
  readonly lookup: (entity: Entity) => CatalogEntry
  readonly teamOf: (watched: Watched) => Team
  readonly knowledge: () => Knowledge
}

/** What is strange of one entity in one tick. */
export interface Strange {
  readonly watched: Watched
  readonly team: Team
  /** Undefined where other trouble of it is told already. */
  readonly rule: Rule | undefined
  readonly kinds: readonly Kind[]
  readonly explanation: Explanation | undefined
}
interface Kind {
  readonly type: AnomalyType
  readonly severity: Severity
  readonly findings: readonly Finding[]
}

/** Explanations older than this many windows are not asked any more. */
const explanationWindows = 3
/** A small shift is strange enough to be explained only now and then. */
const shiftWindows = 15
/** What no feature explains. */
const anything: readonly [AnomalyType, number][] = [['unusual', 1]]

export class Openings {
  readonly #options: OpeningsOptions

  constructor(options: OpeningsOptions) {
    this.#options = options
  }

  /** Undefined where there is nothing new to tell. */
  strange(watched: Watched, team: Team, { rule, isLook }: Verdict, at: number): Strange | undefined {
    const isActive = watched.alarms.some(({ detector }) => detector === fusedDetector)
    if (rule === undefined && !(isActive && isLook)) return undefined
    if (isActive && (watched.p > this.#options.quietP || watched.explanation?.at !== at)) return undefined
    const explanation = this.#recent(watched, at, rule === 'evidence' ? shiftWindows : explanationWindows)
    const { counts, book } = this.#options
    if (rule === 'evidence' && explanation === undefined) {
      counts.held('unexplained')
      return undefined
    }
    const shares = explanation === undefined ? [] : kindsOf(explanation)
    if (shares.length === 0 && explanation !== undefined && explanation.findings.size > 0) {
      if (!isActive) counts.held('within_expected')
      return undefined
    }
    const kinds: Kind[] = []
    for (const [i, [type, share]] of (shares.length === 0 ? anything : shares).entries()) {
      if (share < ownShare && (i > 0 || isActive)) continue
      // What is wrong already must not keep something else from being told: not for a minute, where that would alarm by itself.
      if (isActive && !isLook && !(watched.p ** share <= team.windowP)) continue
      if (book.find(watched, type) !== undefined) continue
      const findings = explanation === undefined ? [] : findingsOf(explanation, type)
      kinds.push({ type, findings, severity: this.severity(watched, type, at) })
    }
    return kinds.length === 0 ? undefined : { watched, team, rule: isActive ? undefined : rule, kinds, explanation }
  }

  /** All of one tick: what many have at once is told as one thing. */
  open(all: readonly Strange[], at: number): void {
    const { commonCauses, knowledge } = this.#options
    const now = knowledge()
    const together = all.flatMap(({ watched, kinds, explanation, team }) =>
      kinds
        .filter(({ type }) => heldBack(watched, type, now) === undefined)
        .map(({ type, severity }) => ({ watched, type, severity, team, onset: explanation?.onset })),
    )
    commonCauses.seen(together, at)
    for (const one of all) this.#openOne(one, at)
  }

  /** Of what a p-value says: no more than medium where it is not strange enough for a page. */
  severity(watched: Watched, type: AnomalyType, at: number): Severity {
    const explanation = this.#recent(watched, at, explanationWindows)
    const findings = explanation === undefined ? [] : findingsOf(explanation, type)
    return boundedByPages(this.effect(watched, type, findings), watched.p <= this.#options.teamOf(watched).pageP)
  }

  effect(watched: Watched, type: AnomalyType, findings: readonly Finding[]): Severity {
    const { tier } = this.#options.lookup(watched.entity)
    const { explanation } = watched
    const growth = explanation === undefined ? undefined : memoryGrowth(explanation)
    return severityOf(type, findings, { share: this.#shareOfService(watched), growth, tier })
  }

  #openOne({ watched, team, rule, kinds, explanation }: Strange, at: number): void {
    const { book, judge, counts, commonCauses } = this.#options
    let isOpened = false
    for (const { type, severity, findings } of kinds) {
      const parent = commonCauses.of(watched, type) ?? book.parentOf(watched, type)
      const held = this.#held(watched, type, team, rule, parent === undefined ? severity : undefined)
      if (held !== undefined) {
        counts.held(held)
        continue
      }
      const onset = explanation?.onset
      const alarm = book.open({
        watched,
        type,
        detector: fusedDetector,
        at,
        ...(onset === undefined ? {} : { onset }),
        ...(explanation?.uncertainty === undefined ? {} : { uncertainty: explanation.uncertainty }),
        ...(parent === undefined ? {} : { parent }),
        findings,
        severity,
        p: watched.p,
        ...(rule === 'evidence' ? { isShift: true } : {}),
      })
      isOpened = true
      if (alarm !== undefined && rankOf(alarm.severity) >= rankOf('high')) team.paged(at)
    }
    if (!isOpened || rule === undefined) return
    judge.forget(watched)
    team.opened(at, rule)
  }

  /** `severity` of what stands for itself. */
  #held(
    watched: Watched,
    type: AnomalyType,
    team: Team,
    rule: Rule | undefined,
    severity: Severity | undefined,
  ): Held | undefined {
    // No p is below what p are told apart by: then the size of the effect decides.
    if (rule === 'window' && team.isUsedUp && severity !== undefined && rankOf(severity) < rankOf('high'))
      return 'over_budget'
    return heldBack(watched, type, this.#options.knowledge())
  }

  #recent({ explanation }: Watched, at: number, windows: number): Explanation | undefined {
    return recent(explanation, at, windows * this.#options.windowSeconds)
  }

  /** Of the requests of its service. */
  #shareOfService(watched: Watched): number {
    const service = serviceOf(watched.entity)
    const whole = service === undefined ? undefined : this.#options.knowledge().registry.find(entityId(service))
    if (whole === undefined || whole === watched || !(whole.requests.now > 0) || !(watched.requests.now >= 0)) return 1
    return Math.min(1, watched.requests.now / whole.requests.now)
  }
}
