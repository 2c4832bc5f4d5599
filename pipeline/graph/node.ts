import { type Context, type Emit, type Instance, type Lifecycle, Rejected } from '../component.ts'
import { originKey } from '../data/origin.ts'
import type { Batch, Signal } from '../data/telemetry.ts'
import { errorMessage } from '../error-message.ts'
import type { ComponentState, ComponentView } from '../telemetry/engine-view.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Counter, Meter } from '../telemetry/meter.ts'
import type { OwnedClock } from './clock.ts'
import { Flow } from './flow.ts'
import type { Inlet, Prepared } from './inlet.ts'
import { emitOn, Outlet, ReceiverOutlet } from './outlet.ts'
import type { PlannedNode } from './plan.ts'
import type { Surroundings } from './surroundings.ts'

const bugMemoryMs = 60_000

/**
 * One component instance in the graph, the edges on which it emits, its state. A reload may put a successor in its place: senders wait at the
 * gate meanwhile, and then go to the successor.
 */
export abstract class Node {
  readonly planned: PlannedNode
  readonly outlets = new Map<Signal, Outlet>()
  /** Of a connector: one set of edges for each pipeline it feeds. */
  readonly routes = new Map<string, ReadonlyMap<Signal, Outlet>>()
  readonly instance: Instance
  /** What arrived here, by signal. */
  readonly taken: Partial<Record<Signal, Flow>> = {}
  /** Shared with all that stood here before, so that an old node that somebody still holds keeps only the newest one alive. */
  #place: { current: Node } = { current: this }
  protected readonly surroundings: Surroundings
  protected readonly context: Context
  protected readonly logger: Logger
  protected readonly meter: Meter & { close(): void }
  protected readonly clock: OwnedClock
  readonly #dropped: Counter
  readonly #abort = new AbortController()
  #state: ComponentState = 'starting'
  #message = ''
  #sinceUnixNano = 0n
  #lastBugMs: number | undefined
  #gate: Promise<void> | undefined
  #active = 0
  #onIdle: (() => void) | undefined

  /** Calls the component's `create`; nothing is opened yet. */
  constructor(planned: PlannedNode, surroundings: Surroundings) {
    this.planned = planned
    this.surroundings = surroundings
    const { factory, id } = planned.component
    const kind = factory.kind
    this.meter = surroundings.meter(meterLabels(planned))
    this.logger = surroundings.logger.with(logFields(planned))
    this.clock = surroundings.clock((error) => this.foundBug(error))
    this.#dropped = this.meter.counter('vigil_dropped_items', 'Items that went no further, by reason and intent.')
    const owner = `${kind} "${id.text}"`
    for (const signal of planned.outputs) {
      const outlet =
        kind === 'receiver'
          ? new ReceiverOutlet(id.text, signal, this.meter, surroundings.tracer)
          : new Outlet(owner, signal)
      this.outlets.set(signal, outlet)
    }
    for (const { id: pipeline, signal } of kind === 'connector' ? planned.feeds : []) {
      this.routes.set(pipeline, new Map([[signal, new Outlet(owner, signal)]]))
    }
    this.context = this.#makeContext(owner)
    this.#turn('starting')
    this.instance = factory.create(planned.component.value, this.context)
  }

  get key(): string {
    return this.planned.key
  }
  get name(): string {
    return `${this.planned.component.factory.kind} "${this.planned.component.id.text}"`
  }
  get state(): ComponentState {
    return this.#state
  }

  /** Where batches of that signal arrive. */
  abstract inlet(signal: Signal): Inlet

  async start(): Promise<void> {
    await this.instance.start?.()
    if (this.#state === 'starting') this.#turn('ok')
  }

  /** Lets go of what is held, then closes. Errors are the caller's to report. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#turn('stopping')
    try {
      await this.instance.shutdown?.(deadline)
    } finally {
      this.close()
    }
  }

  /** Drops an instance that was never started. */
  discard(): void {
    this.close()
  }

  protected close(): void {
    this.#abort.abort()
    this.clock.stop()
    this.meter.close()
    this.#turn('stopped')
  }

  save(): Promise<Uint8Array> | undefined {
    return this.instance.save?.()
  }

  async restore(state: Uint8Array): Promise<void> {
    await this.instance.restore?.(state)
  }

  adopt(previous: Node): boolean {
    return this.instance.adopt?.(previous.instance as Lifecycle) ?? false
  }

  /** Senders wait from here on; resolves when nobody is inside any more, or after `timeoutMs`. The answer lets them go on. */
  async hold(timeoutMs: number): Promise<() => void> {
    let open = () => {}
    this.#gate = new Promise((resolve) => {
      open = () => {
        this.#gate = undefined
        resolve()
      }
    })
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs)
        this.#onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return open
  }

  /** Who stands in this node's place now, if not itself. */
  get successor(): Node | undefined {
    return this.#place.current === this ? undefined : this.#place.current
  }

  takePlaceOf(previous: Node): void {
    this.#place = previous.#place
    this.#place.current = this
  }

  /** Whether batches go in here now: nobody holds the gate, nobody has taken this node's place. */
  protected get isOpen(): boolean {
    return this.#gate === undefined && this.successor === undefined
  }

  /** Takes the batch through the gate: into this instance, or on to the one that has replaced it. */
  protected async enter(batch: Batch, work: () => Prepared | Promise<Prepared>): Promise<Prepared> {
    while (this.#gate !== undefined) await this.#gate
    if (this.successor !== undefined) return this.successor.inlet(batch.signal).prepare(batch)
    return this.inside(work)
  }

  /** Counts who is at work in this instance, so that a reload can wait for them. */
  protected async inside<T>(work: () => T | Promise<T>): Promise<T> {
    this.#active++
    try {
      return await work()
    } finally {
      this.#active--
      if (this.#active === 0) this.#onIdle?.()
    }
  }

  /** What a handler threw, as its sender should hear it. A bug is answered for good, so that a poisonous batch does not come back for ever. */
  protected asRefusal(error: unknown, items: number): Rejected {
    if (error instanceof Rejected) return error
    this.foundBug(error)
    this.context.dropped(items, 'bug', 'lost')
    const message = errorMessage(error)
    return new Rejected(`${this.name} failed: ${message}`, { retryable: false, cause: error })
  }

  protected foundBug(error: unknown): void {
    this.#lastBugMs = this.clock.nowMs()
    const message = errorMessage(error)
    this.logger.error('A component failed in a way that it should not.', { error })
    if (this.#state === 'ok' || this.#state === 'recoverable') this.#turn('recoverable', `failed: ${message}`)
  }

  /** After a while without another bug the component counts as healthy again. */
  protected noteSuccess(): void {
    if (this.#lastBugMs === undefined || this.clock.nowMs() - this.#lastBugMs < bugMemoryMs) return
    this.#lastBugMs = undefined
    if (this.#state === 'recoverable') this.#turn('ok')
  }

  view(): ComponentView {
    const { factory, id, redacted } = this.planned.component
    return {
      kind: factory.kind,
      id: id.text,
      pipeline: this.planned.pipeline,
      state: this.#state,
      message: this.#message,
      sinceUnixNano: this.#sinceUnixNano,
      stability: factory.stability,
      config: redacted,
      taken: this.taken,
      given: this.#given(),
    }
  }

  #given(): ComponentView['given'] {
    const given: Partial<Record<Signal, Flow>> = {}
    for (const outlets of [this.outlets, ...this.routes.values()]) {
      for (const [signal, { flow }] of outlets) (given[signal] ??= new Flow()).add(flow)
    }
    return given
  }

  protected flowOf(signal: Signal): Flow {
    return (this.taken[signal] ??= new Flow())
  }

  #turn(state: ComponentState, message = ''): void {
    this.#state = state
    this.#message = message
    this.#sinceUnixNano = this.clock.nowUnixNano()
  }

  #makeContext(owner: string): Context {
    const { planned, surroundings } = this
    const { factory, id } = planned.component
    const routes = new Map<string, Emit>()
    for (const [pipeline, outlets] of this.routes) routes.set(pipeline, emitOn(outlets, owner))
    return {
      id: id.text,
      kind: factory.kind,
      ...(planned.pipeline === undefined ? {} : { pipeline: planned.pipeline }),
      signals: planned.signals,
      outputs: planned.outputs,
      emit: emitOn(this.outlets, owner),
      routes,
      logger: this.logger,
      meter: this.meter,
      clock: this.clock,
      random: surroundings.random,
      signal: this.#abort.signal,
      engine: surroundings.view,
      sharesPorts: surroundings.sharesPorts ?? false,
      effects: surroundings.effects,
      dropped: (items, reason, intent) =>
        this.#dropped.add(items, { kind: factory.kind, component: id.text, reason, intent }),
      status: (state, message = '') => {
        if (this.#state === 'stopping' || this.#state === 'stopped') return
        this.#turn(state, message)
        if (state === 'fatal') surroundings.fatal(this.name, message)
      },
      originKey: (origin) => originKey(origin, surroundings.reads(this.key)),
      extension: (capability, extension) => surroundings.extension(capability, extension, this.key),
    }
  }
}

function meterLabels({ component }: PlannedNode): Record<string, string> {
  const { kind } = component.factory
  // A receiver's own figures carry the transport too, so its edge writes both labels itself.
  return kind === 'receiver' || kind === 'extension' ? {} : { [kind]: component.id.text }
}

function logFields({ component, pipeline, signals }: PlannedNode): object {
  const [signal] = signals
  const { kind } = component.factory
  return {
    'otelcol.component.id': component.id.text,
    'otelcol.component.kind': kind,
    ...(pipeline === undefined ? {} : { 'otelcol.pipeline.id': pipeline }),
    ...(signal === undefined || signals.size > 1 ? {} : { 'otelcol.signal': signal }),
  }
}
