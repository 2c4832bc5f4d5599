/** The state store as its users see it: asks the thread that has the database. */
import { Worker } from 'node:worker_threads'
import {
  type StateChange,
  type StateQuery,
  type StateRow,
  type StateStore,
  StateStoreError,
  type StateTables,
} from '../../pipeline/capability/state-store.ts'
import type { StorageOwner } from '../../pipeline/capability/storage.ts'
import type { Answers, Ask, Cursor, DatabaseSettings, NotStarted, Response, Started } from './messages.ts'

export class SqliteStore implements StateStore {
  /** What could not be read at the start, and where it is now. */
  readonly setAside: { readonly path: string; readonly why: string } | undefined
  private readonly worker: Worker
  private readonly waiting = new Map<number, PromiseWithResolvers<unknown>>()
  private readonly opened = new Set<string>()
  private readonly onFailure: (error: StateStoreError) => void
  private nextId = 0
  private lost: StateStoreError | undefined

  private constructor(worker: Worker, setAside: Started['setAside'], onFailure: (error: StateStoreError) => void) {
    this.worker = worker
    this.setAside = setAside
    this.onFailure = onFailure
    worker.on('message', (response: Response) => this.hear(response))
    worker.on('error', (cause) => this.end(new StateStoreError('the database thread failed', 'failed', { cause })))
    worker.on('exit', () => this.end(new StateStoreError('the state store is shut down', 'closed')))
    worker.unref()
  }

  /** `onFailure` hears each commit that failed. Throws why the file cannot be used. */
  static async start(settings: DatabaseSettings, onFailure: (error: StateStoreError) => void): Promise<SqliteStore> {
    const worker = new Worker(new URL('./database-worker.ts', import.meta.url), { workerData: settings })
    const first = await new Promise<Started | NotStarted>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    if (first.started) return new SqliteStore(worker, first.setAside, onFailure)
    await worker.terminate()
    throw new Error(first.why)
  }

  async open(owner: StorageOwner, version: number): Promise<StateTables> {
    const name = JSON.stringify([owner.kind, owner.id, owner.name])
    if (this.opened.has(name))
      throw new Error(
        `the state of ${owner.kind} ${owner.id} is open already: two components have the same id and store`,
      )
    this.opened.add(name)
    try {
      const { foundVersion } = await this.ask({ kind: 'open', owner: name, version })
      return new Tables(this, name, foundVersion, () => this.opened.delete(name))
    } catch (error) {
      this.opened.delete(name)
      throw error
    }
  }

  async bytes(): Promise<number> {
    return (await this.ask({ kind: 'size' })).bytes
  }

  async close(): Promise<void> {
    if (this.lost !== undefined) return
    await this.ask({ kind: 'close' }).catch(() => {})
    await this.worker.terminate()
  }

  ask<K extends Ask['kind']>(ask: Ask & { readonly kind: K }): Promise<Answers[K]> {
    if (this.lost !== undefined) return Promise.reject(this.lost)
    const id = this.nextId++
    const answer = Promise.withResolvers<Answers[K]>()
    this.waiting.set(id, answer as PromiseWithResolvers<unknown>)
    // A question keeps the process alive, an idle thread does not.
    this.worker.ref()
    this.worker.postMessage({ id, ask })
    return answer.promise
  }

  failed(error: unknown): void {
    if (error instanceof StateStoreError) this.onFailure(error)
  }

  private hear(response: Response): void {
    const waiting = this.waiting.get(response.id)
    this.waiting.delete(response.id)
    if (this.waiting.size === 0) this.worker.unref()
    if ('answer' in response) waiting?.resolve(response.answer)
    else waiting?.reject(new StateStoreError(response.error, response.reason))
  }

  private end(error: StateStoreError): void {
    this.lost ??= error
    for (const { reject } of this.waiting.values()) reject(this.lost)
    this.waiting.clear()
  }
}

class Tables implements StateTables {
  readonly foundVersion: number
  private readonly store: SqliteStore
  private readonly owner: string
  private readonly onClose: () => void
  private writing: Promise<unknown> = Promise.resolve()
  private isClosed = false

  constructor(store: SqliteStore, owner: string, foundVersion: number, onClose: () => void) {
    this.store = store
    this.owner = owner
    this.foundVersion = foundVersion
    this.onClose = onClose
  }

  commit(changes: readonly StateChange[]): Promise<void> {
    if (this.isClosed) return Promise.reject(new StateStoreError('these tables are closed', 'closed'))
    const done = this.store.ask({ kind: 'commit', owner: this.owner, changes })
    this.writing = done.catch((error: unknown) => this.store.failed(error))
    return done
  }

  async *read(query: StateQuery): AsyncIterable<readonly StateRow[]> {
    let after: Cursor | undefined
    do {
      if (this.isClosed) throw new StateStoreError('these tables are closed', 'closed')
      const page = await this.store.ask({ kind: 'read', owner: this.owner, query, after })
      if (page.rows.length > 0) yield page.rows
      after = page.next
    } while (after !== undefined)
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    await this.writing
    this.onClose()
  }
}
