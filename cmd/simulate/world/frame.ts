/** One request inside one instance: from the moment it is let in until it is answered. */
import type { Guard } from './guard.ts'
import type { Instance } from './instance.ts'
import type { Knobs } from './knobs.ts'
import type { SpanKind, SpanRecord, Trace } from './observer.ts'
import type { Outcome } from './outcome.ts'
import type { Operation, Step, Topic } from './service.ts'
import type { World } from './world.ts'

/** How a call ended: what its caller is told, and by whom. */
export type CallEnd = (outcome: Outcome, errorType: string, answeredBy: Frame | undefined) => void

/** What an early error costs. */
const earlyErrorMs = 0.4
/** Reading one row without an index, in ms of CPU. */
const rowScanMs = 0.0004
const slowQueryMs = 500

export interface Arrival {
  readonly operation: Operation
  readonly trace: Trace
  readonly parent: readonly [number, number] | undefined
  readonly kind: SpanKind
  /** Of a message: where it came from, and how long it lay there. */
  readonly topic?: Topic
  readonly queuedMs: number
}

export class Frame {
  readonly world: World
  readonly instance: Instance
  readonly operation: Operation
  readonly trace: Trace
  private readonly topic: Topic | undefined
  /** Undefined where nothing of it is recorded. */
  readonly span: SpanRecord | undefined
  readonly startMs: number
  rowsExamined = 0
  isOver = false
  private readonly respond: CallEnd
  /** Which of the knobs act on it, as bits: of the service, the version, the instance, the operation. */
  private readonly turnedBy: number
  /** Leaves whatever queue it stands in. */
  private withdraw: () => void = nothing
  private hasWorker = false

  constructor(world: World, instance: Instance, arrival: Arrival, respond: CallEnd) {
    const { operation, trace } = arrival
    this.world = world
    this.instance = instance
    this.operation = operation
    this.trace = trace
    this.topic = arrival.topic
    this.respond = respond
    this.startMs = world.schedule.now
    this.turnedBy = turnedBy(instance, operation)
    const isRecorded = trace.isSampled && instance.service.spec.kind === 'service'
    this.span = isRecorded ? world.spanOf(arrival, instance) : undefined
  }

  start(): void {
    const { instance } = this
    instance.frames.add(this)
    instance.leakedBytes += this.leakPerRequest
    if (!isBlocking(instance)) {
      this.run()
      return
    }
    this.withdraw = instance.workers.take(() => {
      this.hasWorker = true
      this.run()
    })
  }

  /** The process is gone: nobody is left to say anything about it. `guard`: of the action that ended it. */
  kill(guard?: Guard): void {
    if (this.isOver) return
    if (guard !== undefined) {
      guard.refusedCalls++
      const request = this.trace.origin ?? this.trace
      request.refusedBy ??= guard
    }
    this.isOver = true
    this.withdraw()
    this.respond('reset', 'connection_reset', undefined)
  }

  /** Somebody ends this one request; its process lives. */
  abort(guard?: Guard): void {
    if (this.isOver) return
    this.kill(guard)
    this.instance.frames.delete(this)
    if (this.hasWorker) this.instance.workers.giveBack()
  }

  private run(): void {
    const { operation, instance, random } = this
    if (random.chance(this.earlyErrorShare)) {
      this.work(earlyErrorMs, 0, () => this.finish('error', this.errorType()))
      return
    }
    const total = random.logNormal(operation.self.median, operation.self.sigma)
    const { cpuPace, waitPace } = instance.noise
    const cpu = total * operation.self.cpu * cpuPace * this.cpuFactor * instance.collecting()
    const wait = total * (1 - operation.self.cpu) * waitPace * this.waitFactor
    if (operation.query !== undefined) this.runQuery(cpu, wait)
    else if (operation.steps.length === 0) this.work(cpu, wait, () => this.answer())
    else {
      this.work(cpu / 2, wait / 2, () => {
        if (random.chance(this.cutShare)) this.answer()
        else this.runSteps(operation.steps, 0, () => this.work(cpu / 2, wait / 2, () => this.answer()))
      })
    }
  }

  private runQuery(cpu: number, wait: number): void {
    const { service } = this.instance
    const { query } = this.operation
    if (query === undefined || service.spec.kind !== 'database') throw new TypeError('a statement needs a database')
    const hasIndex = query.index === undefined || service.indexes.has(query.index)
    this.rowsExamined = hasIndex ? query.rows : (service.spec.tables[query.collection] ?? query.rows)
    const scan = Math.max(0, this.rowsExamined - query.rows) * rowScanMs
    if (query.lock === undefined) {
      this.compute(cpu + scan, wait, () => this.endQuery())
      return
    }
    const lock = service.lock(query.lock)
    this.withdraw = lock.take(() => {
      // Held to the end even where the process has died: its transaction is rolled back then.
      this.compute(cpu + scan, wait + service.lockHoldMs, () => {
        lock.giveBack()
        this.endQuery()
      })
    })
  }

  private endQuery(): void {
    if (this.isOver) return
    const { rows } = this.instance
    rows.set(this.operation, (rows.get(this.operation) ?? 0) + this.rowsExamined)
    const ms = this.world.schedule.now - this.startMs
    if (ms >= slowQueryMs) {
      this.world.observer.log(this.instance, this.operation, { kind: 'slow query', ms, rows: this.rowsExamined })
    }
    this.answer()
  }

  private runSteps(steps: readonly Step[], i: number, next: () => void): void {
    if (this.isOver) return
    const step = steps[i]
    if (step === undefined) {
      next()
      return
    }
    this.runStep(step, (outcome) => {
      if (this.isOver) return
      if (outcome === 'ok') this.runSteps(steps, i + 1, next)
      else this.finish('error', outcome === 'timeout' ? 'timeout' : 'dependency_failed')
    })
  }

  private runStep(step: Step, next: (outcome: Outcome) => void): void {
    const { world, random } = this
    switch (step.kind) {
      case 'call': {
        const { optional } = step.edge.call
        world.calls.make(this, step.edge, this.trace, (outcome) => next(optional ? 'ok' : outcome))
        return
      }
      case 'send':
        world.calls.make(this, step.edge, this.trace, next, step.topic)
        return
      case 'maybe':
        if (random.chance(step.share)) this.runAll(step.steps, 0, next)
        else next('ok')
        return
      case 'repeat':
        // 1 and more, about the mean: no two baskets are alike.
        this.runTimes(step.steps, 1 + Math.floor(random.next() * (2 * step.mean - 1)), next)
        return
      case 'cache':
        world.calls.make(this, step.edge, this.trace, (outcome) => {
          const isHit = outcome === 'ok' && random.chance(step.content.hitShare)
          const cache = step.edge.to.service
          if (isHit) cache.hits++
          else if (outcome === 'ok') cache.misses++
          if (isHit) next('ok')
          else
            this.runAll(step.miss, 0, (result) => {
              // A cache that does not answer is not filled either.
              if (result === 'ok' && outcome === 'ok') step.content.fill()
              next(result)
            })
        })
        return
      case 'parallel': {
        let open = step.steps.length
        let worst: Outcome = 'ok'
        for (const one of step.steps) {
          this.runStep(one, (outcome) => {
            if (outcome !== 'ok') worst = outcome
            if (--open === 0) next(worst)
          })
        }
      }
    }
  }

  private runTimes(steps: readonly Step[], times: number, next: (outcome: Outcome) => void): void {
    if (times === 0 || this.isOver) {
      next('ok')
      return
    }
    this.runAll(steps, 0, (outcome) => (outcome === 'ok' ? this.runTimes(steps, times - 1, next) : next(outcome)))
  }

  private runAll(steps: readonly Step[], i: number, next: (outcome: Outcome) => void): void {
    const step = steps[i]
    if (step === undefined || this.isOver) {
      next('ok')
      return
    }
    this.runStep(step, (outcome) => (outcome === 'ok' ? this.runAll(steps, i + 1, next) : next(outcome)))
  }

  /** Computes and waits for that long, and longer where cores are shared. */
  private work(cpu: number, wait: number, next: () => void): void {
    if (this.isOver) return
    const { instance } = this
    const go = () => {
      if (!this.isOver) next()
    }
    if (isBlocking(instance)) {
      this.compute(cpu, wait, go)
      return
    }
    this.withdraw = instance.workers.take(() => {
      this.compute(cpu, wait, () => {
        instance.workers.giveBack()
        go()
      })
    })
  }

  private compute(cpu: number, wait: number, next: () => void): void {
    const { instance } = this
    const weight = cpu === 0 ? 0 : cpu / (cpu + wait)
    instance.startComputing(weight)
    const { now } = this.world.schedule
    this.world.schedule.after(cpu * instance.slowdown(0) + wait + instance.noise.pauseMs(now), () => {
      instance.stopComputing(weight)
      instance.cpuMs += cpu
      instance.noise.allocate(instance, cpu, this.world.schedule.now)
      next()
    })
  }

  private answer(): void {
    const { operation, random } = this
    const fails = random.chance(operation.errors + this.errorShare)
    if (fails) this.finish('error', this.errorType())
    else this.finish('ok', '')
  }

  private finish(outcome: Outcome, errorType: string): void {
    if (this.isOver) return
    this.isOver = true
    const { instance, operation, world, span } = this
    const ms = world.schedule.now - this.startMs
    instance.frames.delete(this)
    instance.served(operation, this.topic, outcome, ms)
    if (span !== undefined) {
      span.endMs = world.schedule.now
      span.outcome = outcome
      span.errorType = errorType
      world.observer.span(span)
    }
    if (instance.service.spec.kind === 'service') {
      if (outcome === 'ok') world.observer.log(instance, operation, { kind: 'request', span, ms })
      else world.observer.log(instance, operation, { kind: 'failure', span, outcome, errorType })
    }
    this.respond(outcome, errorType, this)
    // After the answer, so that whoever gets the worker now starts after it.
    if (this.hasWorker) instance.workers.giveBack()
  }

  private get random() {
    return this.instance.service.random
  }

  private errorType(): string {
    for (let i = 0; i < knobOwners; i++) {
      const knobs = this.knobs(i)
      if (knobs !== undefined && knobs.errorShare + knobs.earlyErrorShare > 0) return knobs.errorType
    }
    return 'InternalError'
  }

  /** Undefined where those do not act on it. */
  private knobs(i: number): Knobs | undefined {
    if ((this.turnedBy & (1 << i)) === 0) return undefined
    const { instance } = this
    if (i === 0) return instance.service.knobs
    if (i === 1) return instance.version.knobs
    return i === 2 ? instance.knobs : this.operation.knobs
  }

  private get earlyErrorShare(): number {
    let sum = 0
    for (let i = 0; i < knobOwners; i++) sum += this.knobs(i)?.earlyErrorShare ?? 0
    return sum
  }
  private get errorShare(): number {
    let sum = 0
    for (let i = 0; i < knobOwners; i++) sum += this.knobs(i)?.errorShare ?? 0
    return sum
  }
  private get cutShare(): number {
    let sum = 0
    for (let i = 0; i < knobOwners; i++) sum += this.knobs(i)?.cutShare ?? 0
    return sum
  }
  private get leakPerRequest(): number {
    let sum = 0
    for (let i = 0; i < knobOwners; i++) sum += this.knobs(i)?.leakPerRequest ?? 0
    return sum
  }
  private get cpuFactor(): number {
    let product = 1
    for (let i = 0; i < knobOwners; i++) product *= this.knobs(i)?.cpuFactor ?? 1
    return product
  }
  private get waitFactor(): number {
    let product = 1
    for (let i = 0; i < knobOwners; i++) product *= this.knobs(i)?.waitFactor ?? 1
    return product
  }
}

const knobOwners = 4

/** A mistake in the code does not act on what was released before it. */
function turnedBy({ service, version, knobs }: Instance, operation: Operation): number {
  const { index } = version
  return (
    (service.knobs.since <= index ? 1 : 0) |
    (version.knobs.since <= index ? 2 : 0) |
    (knobs.since <= index ? 4 : 0) |
    (operation.knobs.since <= index ? 8 : 0)
  )
}

export function isBlocking({ service }: Instance): boolean {
  return service.spec.kind !== 'service' || service.spec.blocking
}

function nothing(): void {}
