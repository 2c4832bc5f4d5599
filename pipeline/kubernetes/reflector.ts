/**
 * A local copy of one kind of object: lists, then watches from there, for ever. A connection that breaks is resumed where it was; a version that
 * the server has forgotten (410) means a new list, whose difference to the copy is told as events.
 */
import type { Clock } from '../component.ts'
import { errorMessage } from '../error-message.ts'
import { inSlices } from '../slices.ts'
import type { Logger } from '../telemetry/logger.ts'
import { ApiError, type KubernetesApi } from './kubernetes-api.ts'
import type { KubernetesObject, ObjectList, WatchEvent } from './object.ts'
import { pause } from './pause.ts'

export interface Listener<T> {
  added(object: T): void
  updated(object: T): void
  deleted(object: T): void
}
export interface Watched<T> {
  /** For messages: `pods`. */
  readonly name: string
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly isMetadataOnly: boolean
  /** What is kept of an object. */
  readonly trim: (object: KubernetesObject) => T
  readonly listener: Listener<T>
  /** How often each object is told as updated again; 0 = never. */
  readonly resyncMs: number
  /** Objects beyond it are left out. */
  readonly limit: number
  readonly leftOut: () => void
}
export interface ReflectorParts {
  readonly api: KubernetesApi
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
}

const pageSize = '500'
const firstWaitMs = 800
const longestWaitMs = 30_000
/** A watch that lasted this long was a good one: the next failure waits little again. */
const goodWatchMs = 120_000

export class Reflector<T> {
  /** Resolves after the first list was told. */
  readonly synced: Promise<void>
  readonly #watched: Watched<T>
  readonly #parts: ReflectorParts
  /** By namespace and name, under which an object may come back with another uid. */
  readonly #copy = new Map<string, { readonly uid: string; readonly version: string; readonly object: T }>()
  #reportSynced: () => void = () => {}
  #version = ''
  #waitMs = firstWaitMs
  #isFailing = false

  constructor(watched: Watched<T>, parts: ReflectorParts) {
    this.#watched = watched
    this.#parts = parts
    this.synced = new Promise((resolve) => {
      this.#reportSynced = resolve
    })
  }

  get size(): number {
    return this.#copy.size
  }

  /** Ends when `signal` aborts, and never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    const { resyncMs, listener } = this.#watched
    const stopResync =
      resyncMs > 0
        ? clock.every(resyncMs, () =>
            inSlices(this.#copy.values(), ({ object }) => listener.updated(object), { clock, deadline: signal }),
          )
        : () => {}
    try {
      while (!signal.aborted) await this.#round(signal)
    } finally {
      stopResync()
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts
    const startedMs = clock.nowMs()
    try {
      if (this.#version === '') await this.#list(signal)
      await this.#watch(signal)
      if (clock.nowMs() - startedMs >= goodWatchMs) this.#waitMs = firstWaitMs
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && (error.code === 410 || error.reason === 'Expired')) this.#version = ''
      else this.#report(error)
    }
    const waitMs = this.#waitMs * (1 + random())
    this.#waitMs = Math.min(this.#waitMs * 2, longestWaitMs)
    await pause(waitMs, clock, signal).catch(() => {})
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { path, query, isMetadataOnly } = this.#watched
    const seen = new Set<string>()
    let page: ObjectList
    let rest: string | undefined
    do {
      const more = rest === undefined ? {} : { continue: rest }
      page = (await this.#parts.api.get({
        path,
        query: { ...query, limit: pageSize, ...more },
        isMetadataOnly,
        signal,
      })) as ObjectList
      for (const object of page.items ?? []) {
        seen.add(keyOf(object))
        this.#put(object)
      }
      rest = page.metadata?.continue || undefined
    } while (rest !== undefined)
    for (const [key, { object }] of this.#copy) {
      if (seen.has(key)) continue
      this.#copy.delete(key)
      this.#watched.listener.deleted(object)
    }
    this.#version = page.metadata?.resourceVersion ?? ''
    this.#recover()
    this.#reportSynced()
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { path, query, isMetadataOnly } = this.#watched
    const timeoutSeconds = String(Math.floor(300 * (1 + this.#parts.random())))
    const asked = { watch: '1', allowWatchBookmarks: 'true', resourceVersion: this.#version, timeoutSeconds }
    await this.#parts.api.watch({ path, query: { ...query, ...asked }, isMetadataOnly, signal }, (event) =>
      this.#take(event as WatchEvent),
    )
  }

  #take({ type, object }: WatchEvent): void {
    if (type === 'ERROR')
      throw new ApiError(object.code ?? 0, object.reason ?? '', object.message ?? 'the watch ended with an error')
    this.#recover()
    // What works needs no long wait after its next end.
    this.#waitMs = firstWaitMs
    if (type === 'ADDED' || type === 'MODIFIED') this.#put(object)
    else if (type === 'DELETED') this.#remove(object)
    this.#version = object.metadata?.resourceVersion ?? this.#version
  }

  #put(object: KubernetesObject): void {
    const key = keyOf(object)
    const version = object.metadata?.resourceVersion ?? ''
    const uid = object.metadata?.uid ?? ''
    let known = this.#copy.get(key)
    if (known !== undefined && known.uid !== uid) {
      this.#copy.delete(key)
      this.#watched.listener.deleted(known.object)
      known = undefined
    }
    if (known === undefined && this.#copy.size >= this.#watched.limit) {
      this.#watched.leftOut()
      return
    }
    if (known?.version === version && version !== '') return
    let trimmed: T
    try {
      trimmed = this.#watched.trim(object)
    } catch (error) {
      // Otherwise it would come again with each attempt, and nothing after it ever.
      this.#watched.leftOut()
      this.#parts.logger.warn(`left out one of the ${this.#watched.name}, which could not be read`, { key, error })
      return
    }
    this.#copy.set(key, { uid, version, object: trimmed })
    if (known === undefined) this.#watched.listener.added(trimmed)
    else this.#watched.listener.updated(trimmed)
  }

  #remove(object: KubernetesObject): void {
    const known = this.#copy.get(keyOf(object))
    if (known === undefined) return
    this.#copy.delete(keyOf(object))
    this.#watched.listener.deleted(this.#watched.trim(object))
  }

  #report(error: unknown): void {
    const { name } = this.#watched
    const { logger } = this.#parts
    const message = errorMessage(error)
    if (this.#isFailing) {
      logger.debug(`could not watch ${name}`, { error: message })
      return
    }
    this.#isFailing = true
    const code = error instanceof ApiError ? error.code : 0
    if (code === 403)
      logger.error(`may not watch ${name}; grant list and watch on ${name} to the service account`, { error: message })
    else if (code === 401)
      logger.error(`could not watch ${name}: the API does not know who we are; check auth_type and its token`, {
        error: message,
      })
    else logger.warn(`could not watch ${name}; trying again`, { error: message })
  }

  #recover(): void {
    if (this.#isFailing) this.#parts.logger.info(`watching ${this.#watched.name} again`)
    this.#isFailing = false
  }
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`
}
