/** Reads the call graph now and then, so that it is there when an alarm comes. A store that is slow, fails or hangs delays nothing for longer than was agreed. */
import { type FeatureStore, featureStore } from '../../pipeline/capability/feature-store.ts'
import type { Context } from '../../pipeline/component.ts'
import { CallGraph } from './call-graph.ts'
import type { Config } from './config.ts'

/** Readings that were given up and never answered: a store that hangs is not asked further. */
const maxUnanswered = 3

export class GraphSource {
  readonly #settings: Config
  readonly #context: Context
  readonly #arrived: () => void
  #store: FeatureStore | undefined
  #reading: symbol | undefined
  /** Also those that were given up and are not answered yet. */
  #unanswered = 0
  #readMs = Number.NEGATIVE_INFINITY
  #saidThatItFails = false
  graph: CallGraph | undefined
  failed = 0

  constructor(settings: Config, context: Context, arrived: () => void) {
    this.#settings = settings
    this.#context = context
    this.#arrived = arrived
  }

  get isThere(): boolean {
    return this.graph !== undefined || this.#settings.feature_store === undefined
  }

  /** Throws with the cure when no such extension runs. */
  start(): void {
    const { feature_store: id } = this.#settings
    if (id === undefined) return
    try {
      this.#store = this.#context.extension(featureStore, id)
    } catch (cause) {
      throw new Error(
        `no feature store "${id}": add feature_store to extensions and to service::extensions, or leave feature_store out`,
        { cause },
      )
    }
  }

  /** By the clock, in ms: how long ago it was read. */
  get ageMs(): number {
    return this.#context.clock.nowMs() - this.#readMs
  }

  /** As of an event time. One reading at a time, and none while `maxUnanswered` hang; the answer comes by `arrived`. */
  read(unixSeconds: number): void {
    if (this.#store === undefined || this.#reading !== undefined || this.#unanswered >= maxUnanswered) return
    const { clock } = this.#context
    const reading = Symbol('reading')
    this.#reading = reading
    const stop = clock.after(this.#settings.graph_timeout, () => {
      if (this.#reading === reading) this.#fail(`it took longer than graph_timeout, ${this.#settings.graph_timeout} ms`)
    })
    this.#unanswered++
    const asOfUnixNano = BigInt(Math.round(unixSeconds * 1e6)) * 1_000n
    // A store that throws at once fails like one that rejects.
    Promise.resolve()
      .then(() => this.#store!.graph({ asOfUnixNano }))
      .finally(() => this.#unanswered--)
      .then((graph) => {
        stop()
        if (this.#reading !== reading) return
        this.#reading = undefined
        this.#readMs = clock.nowMs()
        this.#saidThatItFails = false
        const next = new CallGraph(graph)
        // One of another time is empty; what was known is better.
        if (next.size === 0) return
        this.graph = next
        this.#arrived()
      })
      .catch((error: unknown) => {
        stop()
        if (this.#reading === reading) this.#fail(error)
      })
  }

  #fail(error: unknown): void {
    this.#reading = undefined
    this.#readMs = this.#context.clock.nowMs()
    this.failed++
    if (this.#saidThatItFails) return
    this.#saidThatItFails = true
    this.#context.logger.warn('The call graph could not be read; incidents go by the last one.', { error })
  }
}
