/**
 * What a receiver, processor, connector, exporter and extension are: the contract between the engine and its components.
 *
 * Back pressure is the return value. A processor returns the batch, or `held` and emits it later; a sink that resolves has accepted the batch,
 * one that throws `Rejected` has refused it, and the sender hears it; anything else that is thrown is a bug of the component.
 */
import type { z } from 'zod'
import type { Capability } from './capability/capability.ts'
import type { Reads } from './data/origin.ts'
import type { Batches, Origin, Signal } from './data/telemetry.ts'
import type { Effects } from './net/effects.ts'
import type { EngineView } from './telemetry/engine-view.ts'
import type { Logger } from './telemetry/logger.ts'
import type { Meter } from './telemetry/meter.ts'

export type Kind = 'receiver' | 'processor' | 'exporter' | 'connector' | 'extension'
export type Stability = 'unmaintained' | 'deprecated' | 'development' | 'alpha' | 'beta' | 'stable'
export type ConnectorPair = `${Signal} to ${Signal}`
/** Under `--workers`: `one` is the default and always right, `each` says that the component keeps no state. */
type Placement = 'each' | 'one' | { readonly by: 'trace' | 'resource' | 'series' }

/** A processor that keeps the batch (sampling, windows) returns this and emits later. A forgotten return is a bug, never a drop. */
export const held: Held = 'held'
/** A literal rather than a unique symbol, which async functions widen. */
export type Held = 'held'

export type Transforms = {
  [S in Signal]?: (batch: Batches[S]) => Batches[S] | Held | Promise<Batches[S] | Held>
}
/** Resolves = accepted. Throws `Rejected` = refused. */
export type Sinks = { [S in Signal]?: (batch: Batches[S]) => void | Promise<void> }
/** One attempt of an exporter: what it must stop at, and what it may tell the far end. */
export interface Attempt {
  /** Aborted when the attempt's time is over, or when the exporter must stop. */
  readonly signal: AbortSignal
  /** How long the attempt may take, for a deadline on the wire; 0 = as long as it wants. */
  readonly timeoutMs: number
  /** The engine's own span of this export, for the header of that name; undefined unless `service::telemetry::traces` propagates it. */
  readonly traceparent?: string | undefined
}
/** What an exporter does with a batch: one attempt, as `Sinks` otherwise. */
export type Exports = { [S in Signal]?: (batch: Batches[S], attempt: Attempt) => void | Promise<void> }
/** Resolves when what follows has accepted the batch; rejects with `Rejected`. Throws at once for a signal that no pipeline takes. */
export type Emit = { readonly [S in Signal]: (batch: Batches[S]) => Promise<void> }

export interface Refusal {
  /** Whether the same data may get through later. */
  readonly retryable: boolean
  /** What the far end asked to wait. */
  readonly retryAfterMs?: number
  /** The failed subset, so that a retry repeats nothing that got through; absent = the whole batch. */
  readonly remaining?: Batches[Signal]
  /** A gRPC status code that the receiver passes on as it is, where the refusal has a more exact one than Unavailable or Internal. */
  readonly grpcCode?: number
  readonly cause?: unknown
}

/** Data cannot go on. Travels back to whoever sent it. */
export class Rejected extends Error implements Refusal {
  readonly retryable: boolean
  readonly retryAfterMs?: number
  readonly remaining?: Batches[Signal]
  readonly grpcCode?: number

  constructor(message: string, refusal: Refusal) {
    super(message, refusal.cause === undefined ? undefined : { cause: refusal.cause })
    this.name = 'Rejected'
    this.retryable = refusal.retryable
    if (refusal.retryAfterMs !== undefined) this.retryAfterMs = refusal.retryAfterMs
    if (refusal.remaining !== undefined) this.remaining = refusal.remaining
    if (refusal.grpcCode !== undefined) this.grpcCode = refusal.grpcCode
  }
}

/** Wall time when live; stream time in `replay` and `evaluate`, where due timers run between batches, in order. */
export interface Clock {
  nowUnixNano(): bigint
  /** Milliseconds of a monotonic clock, for durations. */
  nowMs(): number
  /** Runs once after `ms`; the answer cancels it. */
  after(ms: number, run: () => void | Promise<void>): () => void
  /** Runs every `ms`, never overlapping itself; the answer stops it. Stops by itself when the component shuts down. */
  every(ms: number, run: () => void | Promise<void>): () => void
}

export interface Context {
  /** The component's id as in the YAML: `type` or `type/name`. */
  readonly id: string
  readonly kind: Kind
  /** Of a processor: the pipeline it stands in. */
  readonly pipeline?: string
  /** Signals that arrive here (processor, exporter, connector) or that some pipeline takes from here (receiver). */
  readonly signals: ReadonlySet<Signal>
  /** Of a connector: the signals that some pipeline takes from it. */
  readonly outputs: ReadonlySet<Signal>
  readonly emit: Emit
  /** Of a connector: the pipelines it feeds, each on its own, by pipeline id; for components that choose a route. */
  readonly routes: ReadonlyMap<string, Emit>
  readonly logger: Logger
  readonly meter: Meter
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Aborted when the component must stop what it is doing. */
  readonly signal: AbortSignal
  readonly engine: EngineView
  /** Under `--workers`: other threads listen on the same ports (SO_REUSEPORT), so that a listener must not claim them alone. */
  readonly sharesPorts: boolean
  /** For what acts on the outside world: its sockets. Only a live `run` grants them; without them it does nothing, whatever its config says. */
  readonly effects?: Effects | undefined
  /** Counts a drop; nothing may be lost in silence. */
  dropped(items: number, reason: string, intent: 'intended' | 'lost'): void
  status(state: 'ok' | 'recoverable' | 'permanent' | 'fatal', message?: string): void
  /**
   * Equal for batches that this component may merge: everything that somebody further on reads of their origin is equal. Ask each time: a reload
   * may change who reads what.
   */
  originKey(origin: Origin): string
  /** What an extension offers. Throws when no extension (or not the one named `id`) provides it. Call it from `start`, not from `create`. */
  extension<T>(capability: Capability<T>, id?: string): T
}

export interface Lifecycle {
  /** Opens what must be opened. Throws = the engine does not start. */
  start?(): Promise<void>
  /** Emits what is held, unless `save` handed it on, then closes. `deadline` aborts when waiting longer is pointless. */
  shutdown?(deadline: AbortSignal): Promise<void>
  /**
   * Hands on what is held to the instance that takes this one's place at a reload: called before `shutdown`, when nothing comes in any more.
   * What is being emitted at that moment is waited for, and is not part of it.
   */
  save?(): Promise<Uint8Array>
  /** Takes over what another instance of the type saved, perhaps under other settings. Called before `start`. */
  restore?(state: Uint8Array): Promise<void>
  /**
   * Of a receiver: takes over the open listeners of the instance that a reload replaces, so that the socket never closes. True = taken; the old instance is then shut down without them.
   */
  adopt?(previous: Lifecycle): boolean
}
export type Provides = ReadonlyMap<Capability<unknown>, unknown>

/** One component type: what the engine knows of it without a config, and how one is made of a config. */
export interface Factory<K extends Kind = Kind> {
  readonly kind: K
  readonly type: string
  readonly aliases: readonly string[]
  readonly config: z.ZodType
  /** By signal; by `signal to signal` for a connector; by `extension` for an extension. */
  readonly stability: Readonly<Partial<Record<string, Stability>>>
  readonly placement: Placement
  readonly sending: Sending | undefined
  /** What a component of this config reads of the origin of batches; for an extension, what its users read by it. */
  reads?(config: unknown): Reads
  /** `unknown` in: the config was checked by `config` before. */
  create(config: unknown, context: Context): Instance
}
export type Instance = Lifecycle & { readonly provides?: Provides } & {
  [S in Signal]?: (batch: never) => unknown
}

/** Which of the common exporter parts the engine puts around the handlers, and their defaults. The handlers make one attempt. */
export interface Sending {
  /** Whether it has `sending_queue`, and without that key a queue. */
  readonly queue: boolean | 'off-by-default'
  readonly retry: boolean
  /** 0 = the component has a `timeout` key of its own, or none. */
  readonly timeoutMs: number
  /** A negative `timeout` is none, as for Go's HTTP client; other exporters refuse it. */
  readonly takesNegativeTimeout?: true
}

interface Definition<C extends z.ZodType, Pair extends string, I> {
  type: string
  aliases?: readonly string[]
  config: C
  /** Static, so that `components` and the graph can read it without a config. */
  signals: { readonly [P in Pair]?: Stability }
  placement?: Placement
  /** What it reads of the origin of batches, so that batches which differ in it are not merged before. Absent = nothing. */
  reads?(config: z.output<C>): Reads
  /** No side effects: `validate` calls it. What must be opened is opened by `start`. */
  create(config: z.output<C>, context: Context): I & Lifecycle
}

export function defineReceiver<C extends z.ZodType>(d: Definition<C, Signal, object>): Factory<'receiver'> {
  return define('receiver', d, undefined)
}
export function defineProcessor<C extends z.ZodType>(d: Definition<C, Signal, Transforms>): Factory<'processor'> {
  return define('processor', d, undefined)
}
export function defineConnector<C extends z.ZodType>(d: Definition<C, ConnectorPair, Sinks>): Factory<'connector'> {
  return define('connector', d, undefined)
}
/** The engine puts `sending_queue`, `retry_on_failure` and `timeout` around the handlers, and adds those keys to the config, as `sending` says. */
export function defineExporter<C extends z.ZodType>(
  d: Definition<C, Signal, Exports> & { sending: Sending },
): Factory<'exporter'> {
  return define('exporter', d, d.sending)
}
export function defineExtension<C extends z.ZodType>(
  d: Definition<C, 'extension', { readonly provides?: Provides }>,
): Factory<'extension'> {
  return define('extension', d, undefined)
}

function define<K extends Kind, C extends z.ZodType, I>(
  kind: K,
  d: Definition<C, string, I>,
  sending: Sending | undefined,
): Factory<K> {
  return {
    kind,
    type: d.type,
    aliases: d.aliases ?? [],
    config: d.config,
    stability: d.signals,
    placement: d.placement ?? 'one',
    sending,
    reads: (config) => d.reads?.(config as z.output<C>) ?? {},
    create: (config, context) => d.create(config as z.output<C>, context) as Instance,
  }
}
