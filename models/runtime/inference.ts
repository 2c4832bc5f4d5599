/**
 * Models that are computed on a thread of their own, so that the thread which moves data never waits for them. A thread that dies or whose GPU is lost
 * is replaced by another with the same models; what was under way fails, and its callers go on without.
 */
import { Worker } from 'node:worker_threads'
import type { BackendName, BackendSettings } from './backend.ts'
import type { Answers, Ask, ChosenBackend, Memory, Model, Said, ThreadSettings } from './messages.ts'

export interface InferenceSettings extends Pick<BackendSettings, 'backend' | 'allowSoftwareGpu'> {
  /** Values of rows under way at once; more are refused. */
  readonly maxValues: number
  readonly maxModels: number
  /** Told when the thread was lost, and again when another took its place. */
  readonly changed: (state: InferenceState) => void
}

export type InferenceState =
  | { readonly kind: 'working'; readonly backend: ChosenBackend }
  | { readonly kind: 'lost'; readonly why: string }

/** It was not computed, and asking again later may help. */
export class NotComputed extends Error {
  override readonly name = 'NotComputed'
}

export interface LoadedModel {
  /** Scores of `rows`, which are gone afterwards: they are handed over, not copied. Rejects with `NotComputed`, or a `RangeError` for what is no rows. */
  score(rows: Float32Array<ArrayBuffer>): Promise<Float64Array>
  unload(): void
}

/** After a thread that died at once the next one waits, twice as long each time. */
const firstPauseMs = 1_000
const longestPauseMs = 60_000

export class Inference {
  readonly #settings: InferenceSettings
  readonly #models = new Map<number, Model>()
  readonly #waiting = new Map<number, PromiseWithResolvers<never>>()
  readonly #except: BackendName[] = []
  #worker: Worker | undefined
  #backend: ChosenBackend | undefined
  #values = 0
  #nextCall = 0
  #nextModel = 0
  #pauseMs = firstPauseMs
  #retry: NodeJS.Timeout | undefined
  #isClosed = false
  /** Batches that were refused since too much was under way. */
  refusedBatches = 0
  scoredRows = 0
  /** Threads that took the place of one that was lost. */
  restarts = 0

  private constructor(settings: InferenceSettings) {
    this.#settings = settings
  }

  /** Throws why no backend works, or not the one that was asked for. */
  static async start(settings: InferenceSettings): Promise<Inference> {
    const inference = new Inference(settings)
    await inference.#begin()
    return inference
  }

  /** Undefined while none works. */
  get backend(): ChosenBackend | undefined {
    return this.#backend
  }
  get valuesUnderWay(): number {
    return this.#values
  }
  get models(): number {
    return this.#models.size
  }

  /** Rejects with a `RangeError` for a model that no kernel takes, or one more than `maxModels`. */
  async load(model: Model): Promise<LoadedModel> {
    if (this.#models.size >= this.#settings.maxModels)
      throw new RangeError(`${this.#models.size} models are loaded, and that is as many as there may be`)
    const id = this.#nextModel++
    this.#models.set(id, model)
    try {
      await this.#ask({ kind: 'load', id, model })
    } catch (error) {
      // A thread that is away takes it when it is back.
      if (!(error instanceof NotComputed)) {
        this.#models.delete(id)
        throw error
      }
    }
    return { score: (rows) => this.#score(id, rows), unload: () => this.#unload(id) }
  }

  /** What the backend holds; undefined while none works. */
  async memory(): Promise<Memory | undefined> {
    return this.#ask({ kind: 'memory' }).catch(() => undefined)
  }

  /** Ends the thread as if it had died; another takes its place. */
  async endThread(): Promise<void> {
    await this.#worker?.terminate()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#retry)
    this.#failAll('the models are shut down')
    await this.#worker?.terminate()
  }

  async #score(id: number, rows: Float32Array<ArrayBuffer>): Promise<Float64Array> {
    const { length } = rows
    if (this.#values + length > this.#settings.maxValues) {
      this.refusedBatches++
      throw new NotComputed(`${this.#values} values are under way, and there may be ${this.#settings.maxValues}`)
    }
    this.#values += length
    try {
      const scores = await this.#ask({ kind: 'score', id, rows }, [rows.buffer])
      this.scoredRows += scores.length
      return scores
    } finally {
      this.#values -= length
    }
  }

  #unload(id: number): void {
    if (this.#models.delete(id)) this.#ask({ kind: 'unload', id }).catch(() => {})
  }

  #ask<K extends Ask['kind']>(ask: Ask & { readonly kind: K }, transfer: ArrayBuffer[] = []): Promise<Answers[K]> {
    const worker = this.#worker
    if (worker === undefined || this.#backend === undefined)
      return Promise.reject(new NotComputed('no thread computes at the moment'))
    const call = this.#nextCall++
    const answer = Promise.withResolvers<Answers[K]>()
    this.#waiting.set(call, answer as unknown as PromiseWithResolvers<never>)
    // A question keeps the process alive, an idle thread does not.
    worker.ref()
    worker.postMessage({ call, ask }, transfer)
    return answer.promise
  }

  async #begin(): Promise<void> {
    const { backend, allowSoftwareGpu = false } = this.#settings
    const workerData: ThreadSettings = { backend, allowSoftwareGpu, except: this.#except }
    const worker = new Worker(new URL('./inference-thread.ts', import.meta.url), { workerData })
    const begun = Promise.withResolvers<Said>()
    worker.once('message', begun.resolve)
    worker.on('error', (cause) => this.#lose(worker, cause.message, begun))
    worker.on('exit', () => this.#lose(worker, 'the thread ended', begun))
    const first = await begun.promise
    if (first.kind !== 'started' || this.#isClosed) {
      await worker.terminate()
      throw new Error(first.kind === 'not started' ? first.why : 'the models are shut down')
    }
    worker.on('message', (said: Said) => this.#hear(said, worker))
    worker.unref()
    this.#worker = worker
    this.#backend = first.backend
    for (const [id, model] of this.#models) this.#ask({ kind: 'load', id, model }).catch(() => {})
    this.#settings.changed({ kind: 'working', backend: first.backend })
  }

  #hear(said: Said, worker: Worker): void {
    if (said.kind === 'lost') {
      if (this.#backend !== undefined) this.#except.push(this.#backend.name)
      this.#lose(worker, `the GPU was lost: ${said.why}`)
      return
    }
    if (said.kind !== 'answer' && said.kind !== 'failure') return
    const waiting = this.#waiting.get(said.call)
    this.#waiting.delete(said.call)
    if (this.#waiting.size === 0) worker.unref()
    this.#pauseMs = firstPauseMs
    if (said.kind === 'answer') waiting?.resolve(said.answer as never)
    else waiting?.reject(said.isCallers ? new RangeError(said.error) : new NotComputed(said.error))
  }

  #lose(worker: Worker, why: string, begun?: PromiseWithResolvers<Said>): void {
    begun?.reject(new Error(why))
    if (worker !== this.#worker) return
    this.#worker = undefined
    this.#backend = undefined
    this.#failAll(why)
    void worker.terminate()
    if (this.#isClosed) return
    this.#settings.changed({ kind: 'lost', why })
    this.#again()
  }

  #again(): void {
    this.#retry = setTimeout(() => {
      this.restarts++
      this.#begin().catch((cause: Error) => {
        if (this.#isClosed) return
        this.#settings.changed({ kind: 'lost', why: cause.message })
        this.#again()
      })
    }, this.#pauseMs)
    this.#retry.unref()
    this.#pauseMs = Math.min(longestPauseMs, 2 * this.#pauseMs)
  }

  #failAll(why: string): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(new NotComputed(why))
  }
}
