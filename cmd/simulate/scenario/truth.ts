/** What really happened, for those who judge: it goes to a file that no pipeline reads. */
import type { UserRequest } from '../world/observer.ts'
import type { World } from '../world/world.ts'
import type { Entity, Fault, Repair } from './fault.ts'
import { Harm } from './harm.ts'

/** Before a fault, so much of the world says what is usual. */
const usualMs = 600_000
/** A fault that moves no user-facing figure by this much, and clearly more than chance does, is silent. */
const impactShare = 0.003
const impactDeviations = 4

interface Tally {
  all: number
  bad: number
  touched: number
}

/** Of requests that ended in ten seconds, by operation. */
interface Pane {
  readonly fromMs: number
  readonly byOperation: Map<string, Tally>
}
const paneMs = 10_000

export interface FaultTruth {
  readonly fault: string
  readonly root: Entity
  readonly onset: string
  readonly end: string | undefined
  readonly repairs: readonly Repair[]
  /** Whether users noticed at all. */
  readonly isSilent: boolean
  readonly impactStart: string | undefined
  readonly impactEnd: string | undefined
  readonly operations: readonly {
    readonly operation: string
    /** Of its requests, those that needed the root entity. */
    readonly affectedShare: number
    readonly badShareBefore: number
    readonly badShareDuring: number
    readonly badRequests: number
  }[]
  /** Bad requests beyond the usual, over all operations. */
  readonly lostRequests: number
}

interface Watched {
  readonly type: string
  readonly fault: Fault
  readonly fromMs: number
  toMs: number | undefined
}

export class Truth {
  private readonly world: World
  private readonly panes: Pane[] = []
  private readonly faults: Watched[] = []
  /** What actions cost. */
  readonly harm: Harm

  constructor(world: World) {
    this.world = world
    this.harm = new Harm(world, () => this.onset())
  }

  began(type: string, fault: Fault): void {
    for (const operation of fault.touches) this.world.watched.add(operation)
    this.faults.push({ type, fault, fromMs: this.world.schedule.now, toMs: undefined })
    this.harm.faultBegan()
  }

  /** Ends those whose cause is gone, whoever removed it. Ask now and then. */
  look(): void {
    for (const one of this.faults) {
      if (one.toMs === undefined && !one.fault.isPresent() && this.world.schedule.now > one.fromMs + 1_000) {
        one.toMs = this.world.schedule.now
      }
    }
    this.harm.look()
  }

  request(request: UserRequest): void {
    const { operation, isGood, isTouched, atMs } = request
    this.harm.request(request)
    const fromMs = Math.floor(atMs / paneMs) * paneMs
    let pane = this.panes.at(-1)
    if (pane === undefined || pane.fromMs !== fromMs) this.panes.push((pane = { fromMs, byOperation: new Map() }))
    const name = `${operation.service.name}/${operation.name}`
    let tally = pane.byOperation.get(name)
    if (tally === undefined) pane.byOperation.set(name, (tally = { all: 0, bad: 0, touched: 0 }))
    tally.all++
    if (!isGood) tally.bad++
    if (isTouched) tally.touched++
  }

  told(): readonly FaultTruth[] {
    this.look()
    return this.faults.map((one) => this.tell(one))
  }

  /** When the oldest cause that is present began. */
  private onset(): number | undefined {
    return this.faults.find(({ toMs, fault }) => toMs === undefined && fault.isPresent())?.fromMs
  }

  private tell({ type, fault, fromMs, toMs }: Watched): FaultTruth {
    const endMs = toMs ?? this.world.schedule.now
    const before = sum(this.panes, fromMs - usualMs, fromMs)
    // What piled up is bad for a while after the cause has gone.
    const during = sum(this.panes, fromMs, endMs + 30_000)
    const operations = [...during].map(([operation, { all, bad, touched }]) => {
      const usual = before.get(operation)
      const badShareBefore = usual === undefined || usual.all === 0 ? 0 : usual.bad / usual.all
      return {
        operation,
        affectedShare: touched / all,
        badShareBefore,
        badShareDuring: bad / all,
        badRequests: Math.max(0, bad - badShareBefore * all),
      }
    })
    const hit = operations.filter((one) => isHit(one, during.get(one.operation)?.all ?? 0))
    const [impactStartMs, impactEndMs] = this.impact(hit, fromMs, endMs)
    return {
      fault: type,
      root: fault.root,
      onset: this.at(fromMs),
      end: toMs === undefined ? undefined : this.at(toMs),
      repairs: fault.repairs,
      isSilent: hit.length === 0,
      impactStart: impactStartMs === undefined ? undefined : this.at(impactStartMs),
      impactEnd: impactEndMs === undefined ? undefined : this.at(impactEndMs),
      operations,
      lostRequests: Math.round(operations.reduce((all, one) => all + one.badRequests, 0)),
    }
  }

  /** The first and the last pane in which an operation was clearly worse than usual. */
  private impact(
    hit: FaultTruth['operations'],
    fromMs: number,
    endMs: number,
  ): readonly [number | undefined, number | undefined] {
    const bad = this.panes.filter((pane) => {
      if (pane.fromMs < fromMs - paneMs || pane.fromMs > endMs + 600_000) return false
      return hit.some(({ operation, badShareBefore, badShareDuring }) => {
        const tally = pane.byOperation.get(operation)
        if (tally === undefined || tally.all === 0) return false
        return tally.bad / tally.all > badShareBefore + (badShareDuring - badShareBefore) / 2
      })
    })
    const last = bad.at(-1)
    return [bad[0]?.fromMs, last === undefined ? undefined : last.fromMs + paneMs]
  }

  private at(ms: number): string {
    return new Date(this.world.startMs + ms).toISOString()
  }
}

function isHit(
  { badShareBefore, badShareDuring, badRequests }: FaultTruth['operations'][number],
  all: number,
): boolean {
  if (badShareDuring - badShareBefore <= impactShare) return false
  // Of a Poisson count; one more, so that a handful of failures where there were none is no impact yet.
  return badRequests > impactDeviations * Math.sqrt(badShareBefore * all + 1)
}

function sum(panes: readonly Pane[], fromMs: number, toMs: number): Map<string, Tally> {
  const all = new Map<string, Tally>()
  for (const pane of panes) {
    if (pane.fromMs < fromMs || pane.fromMs >= toMs) continue
    for (const [name, tally] of pane.byOperation) {
      const so = all.get(name) ?? { all: 0, bad: 0, touched: 0 }
      all.set(name, { all: so.all + tally.all, bad: so.bad + tally.bad, touched: so.touched + tally.touched })
    }
  }
  return all
}
