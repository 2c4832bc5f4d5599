/** The simulated shop: it catches up with the present as fast as it can, telling the time to who watches, then goes on with the clock. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Batch } from '../../pipeline/data/telemetry.ts'
import type { Client } from '../generate/client.ts'
import { localClient } from '../generate/local-client.ts'
import { type Fault, makeFault } from '../simulate/scenario/fault.ts'
import { quiet } from '../simulate/scenario/read.ts'
import { type Playing, prepare } from '../simulate/scenario/run.ts'
import type { Scenario } from '../simulate/scenario/schema.ts'
import type { Topology } from '../simulate/topology/schema.ts'
import type { Drill } from './drills.ts'

export interface ShopOptions {
  readonly topology: Topology
  readonly seed: number
  readonly startMs: number
  /** What happens; nothing if absent. */
  readonly scenario?: Scenario
}

const signals = ['traces', 'metrics', 'logs'] as const
const learnStepMs = 2_000
const liveStepMs = 100
/** What a watcher that is too slow may be behind before the world stops for it. */
const maxUnderWay = 64

export class Shop {
  readonly #playing: Playing
  readonly #startMs: number
  #pending: Batch[] = []
  #clients = new Map<string, Client>()
  lost = 0

  constructor({ topology, seed, startMs, scenario = quiet }: ShopOptions) {
    this.#startMs = startMs
    this.#playing = prepare({ topology, scenario, seed, startMs, send: (batch) => this.#pending.push(batch) })
  }

  /** Telemetry goes to that port of OTLP/HTTP from now on. */
  connect(port: number): void {
    this.close()
    for (const signal of signals) {
      this.#clients.set(signal, localClient({ port, signal, timeoutMs: 60_000, userAgent: 'vigil-drill' }))
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
    this.#clients.clear()
  }

  /** In lock step with who watches, until the world is where our clock is, or at that time. */
  async catchUp(tell: (unixMs: number) => Promise<void>, untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    while (this.#nowMs < Math.min(Date.now(), untilMs)) {
      this.#playing.world.runUntil(this.#playing.world.schedule.now + learnStepMs)
      await this.#send()
      await tell(this.#nowMs)
    }
  }

  /** With our clock, until aborted. */
  async live(signal: AbortSignal): Promise<void> {
    let underWay = 0
    while (!signal.aborted) {
      if (underWay < maxUnderWay) {
        this.#playing.world.runUntil(Date.now() - this.#startMs)
        underWay++
        void this.#send().finally(() => underWay--)
      }
      await delay(liveStepMs, undefined, { signal }).catch(() => {})
    }
  }

  /** Something goes wrong from now on; `stop` of the answer ends it. */
  fail(spec: NonNullable<Drill['fault']>): Fault {
    const fault = makeFault(spec, this.#playing)
    fault.start()
    return fault
  }

  get #nowMs(): number {
    return this.#startMs + this.#playing.world.schedule.now
  }

  async #send(): Promise<void> {
    const batches = this.#pending
    this.#pending = []
    for (const signal of signals) {
      const client = this.#clients.get(signal)
      const chunks = batches.flatMap((batch) => (batch.signal === signal ? batch.chunks : []))
      if (client === undefined || chunks.length === 0) continue
      const { outcome, rejected } = await client.send(await client.encode(Buffer.concat(chunks)))
      if (outcome !== 'accepted' || rejected > 0) this.lost++
    }
  }
}
