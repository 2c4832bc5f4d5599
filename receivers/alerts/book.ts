/** Which alerts are active: what is said again is no second event, and what nobody repeats is over. */
import { z } from 'zod'
import { type Anomaly, anomalySchema } from '../../pipeline/vocabulary/anomaly.ts'

const entrySchema = z.object({
  anomaly: anomalySchema,
  /** Wall clock, ms since 1970; undefined = never. */
  expiresMs: z.number().optional(),
})
type Entry = z.output<typeof entrySchema>
const savedSchema = z.array(z.tuple([z.string(), entrySchema]))

export class Book {
  readonly #max: number
  /** By fingerprint, the one longest unheard first. */
  readonly #entries = new Map<string, Entry>()
  forgotten = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  /** What was said of it last, while it is active. */
  get(fingerprint: string): Anomaly | undefined {
    return this.#entries.get(fingerprint)?.anomaly
  }

  put(fingerprint: string, anomaly: Anomaly, expiresMs: number | undefined): void {
    this.#entries.delete(fingerprint)
    if (anomaly.state === 'cleared') return
    this.#entries.set(fingerprint, { anomaly, ...(expiresMs === undefined ? {} : { expiresMs }) })
    this.#trim()
  }

  #trim(): void {
    while (this.#entries.size > this.#max) {
      this.#entries.delete(this.#entries.keys().next().value as string)
      this.forgotten++
    }
  }

  expired(nowMs: number): readonly (readonly [string, Anomaly])[] {
    const over: (readonly [string, Anomaly])[] = []
    for (const [fingerprint, { anomaly, expiresMs }] of this.#entries)
      if (expiresMs !== undefined && expiresMs <= nowMs) over.push([fingerprint, anomaly])
    return over
  }

  save(): Uint8Array {
    return Buffer.from(JSON.stringify([...this.#entries]))
  }

  /** Throws for what `save` did not write. */
  restore(state: Uint8Array): void {
    for (const [fingerprint, entry] of savedSchema.parse(JSON.parse(Buffer.from(state).toString('utf8'))))
      this.#entries.set(fingerprint, entry)
    this.#trim()
  }
}
