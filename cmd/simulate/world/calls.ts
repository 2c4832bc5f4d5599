/** The client's side of a call: network, connections, timeouts, retries, and the span that the caller records. */
import type { CallEnd } from './frame.ts'
import { Frame, isBlocking } from './frame.ts'
import type { Guard } from './guard.ts'
import type { Instance } from './instance.ts'
import type { SpanRecord, Trace } from './observer.ts'
import { mayPass, type Outcome } from './outcome.ts'
import { cancel } from './schedule.ts'
import type { Edge, Topic } from './service.ts'
import type { World } from './world.ts'

/** A lost packet is sent again after this long, twice as long each time. */
const retransmitMs = 200
const maxRetransmits = 6
const dnsFailureMs = 5_000
const handshakeMs = 3
/** Connections are renewed about this often: so fast an expired certificate is noticed. */
const connectionLifeMs = 300_000

export class Calls {
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  /** `from` undefined: a user calls. */
  make(from: Frame | undefined, edge: Edge, trace: Trace, done: (outcome: Outcome) => void, topic?: Topic): void {
    this.attempt(from, edge, trace, 1, done, topic)
  }

  private attempt(
    from: Frame | undefined,
    edge: Edge,
    trace: Trace,
    attempt: number,
    done: (outcome: Outcome) => void,
    topic: Topic | undefined,
  ): void {
    const { world } = this
    const { retries } = edge.call
    new Attempt(world, from, edge, trace, attempt, topic, (outcome) => {
      if (outcome === 'ok' || from?.isOver || !mayPass(outcome) || attempt > (retries?.max ?? 0)) {
        done(outcome)
        return
      }
      const backoff = (retries?.backoff ?? 0) * 2 ** (attempt - 1)
      const wait = backoff === 0 ? 0 : world.randomOf('retries').between(0, backoff)
      world.schedule.after(wait, () => this.attempt(from, edge, trace, attempt + 1, done, topic))
    }).start()
  }
}

class Attempt {
  private readonly world: World
  private readonly from: Frame | undefined
  private readonly edge: Edge
  private readonly trace: Trace
  /** The caller's. */
  private readonly asked: Trace
  private readonly topic: Topic | undefined
  private readonly span: SpanRecord | undefined
  private readonly startMs: number
  private readonly done: (outcome: Outcome) => void
  private readonly timer
  private isOver = false
  private isOpen = false
  private withdraw: () => void = () => {}
  /** Gives the connection back; where one is held. */
  private release: () => void = () => {}

  constructor(
    world: World,
    from: Frame | undefined,
    edge: Edge,
    trace: Trace,
    attempt: number,
    topic: Topic | undefined,
    done: (outcome: Outcome) => void,
  ) {
    this.world = world
    this.from = from
    this.edge = edge
    this.topic = topic
    this.done = done
    this.startMs = world.schedule.now
    const { hidden } = edge.call
    this.asked = trace
    // Behind an edge without an agent nobody knows of the trace: what is instrumented there begins its own.
    this.trace = hidden ? world.newTrace(trace.origin ?? trace) : trace
    const isRecorded = from !== undefined && !hidden && trace.isSampled && from.instance.service.spec.kind === 'service'
    if (isRecorded) {
      const kind = topic === undefined ? 'client' : 'producer'
      const arrival = { operation: edge.to, trace, parent: from.span?.id, kind, queuedMs: 0 } as const
      this.span = world.spanOf(arrival, from.instance, attempt)
    }
    this.timer = world.schedule.after(edge.call.timeout, () => this.end('timeout', 'timeout', undefined))
  }

  start(): void {
    const { world, edge } = this
    const target = edge.to.service
    if (world.watched.has(edge.to)) (this.asked.origin ?? this.asked).isTouched = true
    const random = world.ways
    if (random.chance(edge.brokenShare)) {
      this.turnAway(edge.guard)
      this.end('broken', 'circuit_open', undefined)
      return
    }
    if (target.maxOpen !== undefined && target.open >= target.maxOpen) {
      this.turnAway(target.maxOpenGuard)
      this.end('broken', 'pool_overflow', undefined)
      return
    }
    this.isOpen = true
    target.open++
    if (random.chance(target.dnsFailures)) {
      world.schedule.after(dnsFailureMs, () => this.end('dns', 'name_not_resolved', undefined))
    } else if (random.chance(this.certificateFails())) {
      world.schedule.after(handshakeMs, () => this.end('tls', 'certificate_expired', undefined))
    } else if (target.spec.kind === 'database' && this.from !== undefined) this.connect(this.from.instance)
    else this.send()
  }

  private connect(instance: Instance): void {
    const pool = instance.pool(this.edge.to.service)
    this.withdraw = pool.take(() => {
      this.release = () => {
        this.release = () => {}
        pool.giveBack()
      }
      if (this.span !== undefined) this.span.poolWaitMs = this.world.schedule.now - this.startMs
      this.send()
    })
  }

  private send(): void {
    const { ms, isLost } = this.transit()
    this.world.schedule.after(ms, () => {
      if (isLost) this.back('reset', 'connection_lost', undefined)
      else this.arrive()
    })
  }

  private arrive(): void {
    const { world, edge, trace } = this
    const instance = this.pick()
    const refusal = instance === undefined ? 'refused' : refusalOf(instance, edge, world.schedule.now)
    if (refusal === 'limited') this.turnAway(edge.to.service.rateLimit?.guard)
    if (instance === undefined || refusal !== undefined) {
      this.back(refusal ?? 'refused', refusal === 'limited' ? 'rate_limited' : 'unavailable', undefined)
      return
    }
    const parent = edge.call.hidden ? undefined : (this.span ?? this.from?.span)?.id
    const arrival = { operation: edge.to, trace, parent, kind: 'server', queuedMs: 0 } as const
    new Frame(world, instance, arrival, (outcome, errorType, answeredBy) => {
      const { topic } = this
      judge(instance, outcome, world.schedule.now)
      if (topic !== undefined && outcome === 'ok') {
        world.queues.publish(topic, { trace, producer: this.span?.id, sentMs: world.schedule.now, delivery: 1 })
      }
      this.back(outcome, errorType, answeredBy)
    }).start()
  }

  /** The answer travels to the caller, who may have given up. */
  private back(outcome: Outcome, errorType: string, answeredBy: Frame | undefined): void {
    const { world } = this
    world.schedule.after(world.networkMs(), () => {
      // A connection on which nobody waits any more is busy until its answer has come.
      this.release()
      this.end(outcome, errorType, answeredBy)
    })
  }

  private end(...[outcome, errorType, answeredBy]: Parameters<CallEnd>): void {
    if (this.isOver) return
    this.isOver = true
    cancel(this.timer)
    this.withdraw()
    if (this.isOpen) this.edge.to.service.open--
    const { world, from, edge, span } = this
    if (span !== undefined) {
      span.endMs = world.schedule.now
      span.outcome = outcome
      span.errorType = errorType
      span.peer = answeredBy?.instance
      span.rowsExamined = answeredBy?.rowsExamined ?? 0
      world.observer.span(span)
    }
    if (from !== undefined && !from.isOver) {
      if (!edge.call.hidden) from.instance.called(edge.to, outcome, world.schedule.now - this.startMs)
      if (outcome !== 'ok') {
        world.observer.log(from.instance, from.operation, {
          kind: 'call failed',
          span: from.span,
          outcome,
          target: edge.to,
        })
      }
    }
    this.done(outcome)
  }

  private turnAway(guard: Guard | undefined): void {
    if (guard === undefined) return
    guard.refusedCalls++
    const request = this.asked.origin ?? this.asked
    request.refusedBy ??= guard
  }

  /** One way in, with everything that may hold a packet up. */
  private transit(): { readonly ms: number; readonly isLost: boolean } {
    const { world, edge } = this
    const { loss, delayMs } = edge.knobs
    const all = edge.to.service.knobs
    let ms = world.networkMs() + delayMs + all.delayMs
    const share = 1 - (1 - loss) * (1 - all.loss)
    const random = world.ways
    for (let k = 0; random.chance(share); k++) {
      if (k === maxRetransmits) return { ms, isLost: true }
      ms += retransmitMs * 2 ** k
    }
    return { ms, isLost: false }
  }

  private certificateFails(): number {
    const { certificateExpiredMs } = this.edge.to.service
    if (certificateExpiredMs === undefined) return 0
    return 1 - Math.exp(-(this.world.schedule.now - certificateExpiredMs) / connectionLifeMs)
  }

  private pick(): Instance | undefined {
    const { service } = this.edge.to
    const { outlier } = service
    const { now } = this.world.schedule
    const ready =
      outlier === undefined ? service.ready : service.ready.filter(({ ejectedUntilMs }) => ejectedUntilMs <= now)
    // Writes and reads go to the primary.
    if (service.spec.kind === 'database') return ready[0]
    return ready.length === 0 ? undefined : ready[this.world.ways.below(ready.length)]
  }
}

/** A sidecar leaves out an instance that fails again and again. */
function judge(instance: Instance, outcome: Outcome, nowMs: number): void {
  const { outlier, ready } = instance.service
  if (outlier === undefined) return
  instance.errorsInARow = outcome === 'ok' ? 0 : instance.errorsInARow + 1
  if (instance.errorsInARow < outlier.consecutiveErrors || instance.ejectedUntilMs > nowMs) return
  const out = ready.reduce((count, { ejectedUntilMs }) => count + (ejectedUntilMs > nowMs ? 1 : 0), 0)
  if (out + 1 > Math.max(1, Math.floor(outlier.maxShare * ready.length))) return
  instance.errorsInARow = 0
  instance.ejectedUntilMs = nowMs + outlier.ejectionMs
}

function refusalOf(instance: Instance, { to }: Edge, nowMs: number): Outcome | undefined {
  const { service } = instance
  if (service.rateLimit?.admits(to, nowMs) === false) {
    instance.limited++
    return 'limited'
  }
  const { workers } = instance
  const isFull = isBlocking(instance)
    ? workers.taken >= workers.limit && workers.waiting >= service.spec.queue
    : instance.frames.size >= workers.limit + service.spec.queue
  if (!isFull) return undefined
  instance.refused++
  return 'refused'
}
