/** Who sends: of batches that somebody further on tells apart, each sender has a time of its own. Two that are differently late are both judged. */
import type { Clock } from '../../pipeline/component.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import { paneSeconds } from '../../pipeline/vocabulary/panes.ts'
import type { Member } from './entities.ts'

/** As many as `features` keeps apart. */
export const mostSenders = 100
/** By the clock: who was not heard of for so long makes room for others. */
const idleMs = 60_000

export interface Sender {
  readonly key: string
  readonly origin: Pick<Origin, 'metadata'>
  /** The last one that began: Unix time in units of ten seconds, at the end of its windows. */
  tick: number
  /** Whether that tick was not ended yet. */
  isOpen: boolean
  /** Entities of that tick, each once. */
  touched: Member[]
  hourOfWeek: number
  /** Tick at which the hour was told. */
  hourTick: number
  /** Ticks at which all entities were looked through: for silent ones, and for what each may cost. */
  lookedAt: number
  reviewedAt: number
  /** By the monotonic clock. */
  heardMs: number
}

export class Senders {
  readonly #clock: Clock
  readonly #originKey: (origin: Origin) => string
  readonly #byKey = new Map<string, Sender>()
  /** One of them makes room, with all that is known of it. */
  forgotten: (sender: Sender) => void = () => {}

  constructor(clock: Clock, originKey: (origin: Origin) => string) {
    this.#clock = clock
    this.#originKey = originKey
  }

  get size(): number {
    return this.#byKey.size
  }

  all(): Iterable<Sender> {
    return this.#byKey.values()
  }

  /** Undefined where there is no room: nobody is idle. */
  of(origin: Origin): Sender | undefined {
    return this.named(this.#originKey(origin), origin)
  }

  /** The same of one that a predecessor knew by that key. */
  named(key: string, origin: Pick<Origin, 'metadata'>): Sender | undefined {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    if (this.#byKey.size >= mostSenders && !this.#makeRoom()) return undefined
    const sender: Sender = {
      key,
      origin,
      tick: Number.NEGATIVE_INFINITY,
      isOpen: false,
      touched: [],
      hourOfWeek: Number.NaN,
      hourTick: Number.NEGATIVE_INFINITY,
      lookedAt: Number.NaN,
      reviewedAt: Number.NEGATIVE_INFINITY,
      heardMs: this.#clock.nowMs(),
    }
    this.#byKey.set(key, sender)
    return sender
  }

  heard(sender: Sender): void {
    sender.heardMs = this.#clock.nowMs()
  }

  /** Milliseconds since it was last heard of. */
  ageMs({ heardMs }: Sender): number {
    return this.#clock.nowMs() - heardMs
  }

  /** For how long an entity is silent, in ticks: by the time of who sends it, and by the clock where that stands still. */
  silence({ sender, tick }: Member): number {
    const ageMs = this.ageMs(sender)
    return Math.max(0, sender.tick - tick) + (ageMs < idleMs ? 0 : Math.floor(ageMs / 1_000 / paneSeconds))
  }

  /** Whoever is idle longest is forgotten. */
  #makeRoom(): boolean {
    let idlest: Sender | undefined
    for (const sender of this.#byKey.values())
      if (!sender.isOpen && (idlest === undefined || sender.heardMs < idlest.heardMs)) idlest = sender
    if (idlest === undefined || this.ageMs(idlest) < idleMs) return false
    this.#byKey.delete(idlest.key)
    this.forgotten(idlest)
    return true
  }
}
