/** What was told where, so that nothing is told twice and what comes later finds its thread. */
import { z } from 'zod'
import type { KeyValueStore } from '../../pipeline/capability/storage.ts'
import { storageOf } from '../../pipeline/capability/stored-state.ts'
import type { Context } from '../../pipeline/component.ts'
import { incidentStates, priorities } from '../../pipeline/vocabulary/incident.ts'

const toldSchema = z.object({
  revision: z.number(),
  state: z.enum(incidentStates),
  priority: z.enum(priorities),
  wakes: z.boolean(),
  title: z.string(),
  /** Revision that was diagnosed last; -1 = none. */
  diagnosed: z.number(),
  /** Verdict and cause that were told last. */
  cause: z.string(),
  place: z.record(z.string(), z.string()),
  /** Channels whose failure was told here. */
  failures: z.array(z.string()),
})
const entrySchema = z.object({
  title: z.string(),
  /** Order of the last use, for forgetting. */
  used: z.number(),
  routed: z.array(z.string()),
  told: z.record(z.string(), toldSchema),
})
export type Told = z.output<typeof toldSchema>
type Entry = z.output<typeof entrySchema>

const savedSchema = z.array(z.tuple([z.string(), entrySchema]))

export class Ledger {
  readonly #context: Context
  readonly #max: number
  /** By incident id, the one longest unused first. */
  readonly #entries = new Map<string, Entry>()
  #store: KeyValueStore | undefined
  #used = 0
  #isFailing = false
  forgotten = 0

  constructor(context: Context, max: number) {
    this.#context = context
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  /** Throws when there is no such storage. What cannot be read of it is left out. */
  async open(extension: string): Promise<void> {
    const { kind, id } = this.#context
    this.#store = await storageOf(this.#context, extension).keyValue({ kind, id, name: 'told' })
    const found: [string, Entry][] = []
    let unreadable = 0
    for (const incident of this.#store.keys()) {
      // What a predecessor handed on is newer.
      if (this.#entries.has(incident)) continue
      const entry = readEntry(this.#store.get(incident))
      if (entry === undefined) unreadable++
      else found.push([incident, entry])
    }
    if (unreadable > 0)
      this.#context.logger.warn('Some of what was told could not be read; it may be told again.', {
        incidents: unreadable,
      })
    const handedOn = [...this.#entries]
    this.#entries.clear()
    for (const [incident, entry] of [...found.sort(([, a], [, b]) => a.used - b.used), ...handedOn])
      this.#put(incident, entry)
  }

  told(incident: string, channel: string): Told | undefined {
    const told = this.#entries.get(incident)?.told
    return told !== undefined && Object.hasOwn(told, channel) ? told[channel] : undefined
  }

  /** Undefined for one that was never routed. */
  title(incident: string): string | undefined {
    const title = this.#entries.get(incident)?.title
    return title === '' ? undefined : title
  }

  /** Channels that have been, or will be, told of it. */
  channels(incident: string): readonly string[] {
    const entry = this.#entries.get(incident)
    return entry === undefined ? [] : [...new Set([...entry.routed, ...Object.keys(entry.told)])]
  }

  route(incident: string, title: string, channels: readonly string[]): void {
    const entry = this.#entries.get(incident)
    const routed = [...new Set([...(entry?.routed ?? []), ...channels])]
    this.#put(incident, { title, routed, told: entry?.told ?? {}, used: 0 })
  }

  /** Resolves when it is written. Never rejects: the message is out, and is sent again after a restart at worst. */
  async note(incident: string, channel: string, told: Told): Promise<void> {
    const entry = this.#entries.get(incident)
    const all = new Map(Object.entries(entry?.told ?? {})).set(channel, told)
    // What a diagnosis says of itself is no title.
    const title = told.revision < 0 ? (entry?.title ?? '') : told.title
    const next = { title, routed: entry?.routed ?? [], told: Object.fromEntries(all), used: 0 }
    const written = this.#put(incident, next)
    try {
      await this.#store?.set(incident, Buffer.from(JSON.stringify(written)))
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing)
        this.#context.logger.error('What was told could not be stored; after a restart it is told again.', { error })
      this.#isFailing = true
    }
  }

  save(): Uint8Array {
    return Buffer.from(JSON.stringify([...this.#entries]))
  }

  /** Throws for what `save` did not write. */
  restore(state: Uint8Array): void {
    for (const [incident, entry] of savedSchema.parse(JSON.parse(Buffer.from(state).toString('utf8'))))
      this.#put(incident, entry)
  }

  async close(): Promise<void> {
    await this.#store?.close()
    this.#store = undefined
  }

  #put(incident: string, entry: Entry): Entry {
    const used = Math.max(this.#used, entry.used) + 1
    this.#used = used
    const put = { ...entry, used }
    this.#entries.delete(incident)
    this.#entries.set(incident, put)
    while (this.#entries.size > this.#max) this.#forgetOldest()
    return put
  }

  #forgetOldest(): void {
    const oldest = this.#entries.keys().next().value as string
    this.#entries.delete(oldest)
    this.forgotten++
    this.#store?.delete(oldest).catch((error: unknown) => {
      this.#context.logger.warn('An incident that is forgotten could not be deleted from the storage.', { error })
    })
  }
}

function readEntry(bytes: Uint8Array | undefined): Entry | undefined {
  try {
    const found = entrySchema.safeParse(JSON.parse(Buffer.from(bytes ?? []).toString('utf8')))
    return found.success ? found.data : undefined
  } catch {
    return undefined
  }
}
