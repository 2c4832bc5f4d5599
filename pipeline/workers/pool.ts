import { Worker } from 'node:worker_threads'
import type { ConfigTree } from '../config/tree.ts'
import type { Batch } from '../data/telemetry.ts'
import type { PlainFamily } from '../telemetry/merge-families.ts'
import { receive } from './crossing.ts'
import type { ToOwner, ToWorker } from './messages.ts'
import type { Cut } from './split.ts'

export interface PoolOptions {
  readonly count: number
  /** The module that calls `runWorker`, and what it gets as `workerData` beside its `index`. */
  readonly entry: URL
  readonly workerData: object
}

/** What the engine gives the pool. */
export interface PoolOwner {
  deliver(cut: Cut, batch: Batch): Promise<void>
  metrics(worker: number, families: readonly PlainFamily[]): void
  failed(component: string, message: string): void
}

type Order = ToWorker extends infer M ? (M extends { order: number } ? Omit<M, 'order'> : never) : never

/** The worker threads, seen from the owner. */
export class WorkerPool {
  readonly #members: Member[]
  #tree: ConfigTree | undefined

  constructor({ count, entry, workerData }: PoolOptions, owner: PoolOwner) {
    this.#members = Array.from(
      { length: count },
      (_, i) => new Member(i + 1, new Worker(entry, { workerData: { ...workerData, index: i + 1 } }), owner),
    )
  }

  /** Starts or reloads all of them. When one cannot, the others go back to what they ran, and the error is thrown. */
  async run(tree: ConfigTree): Promise<void> {
    const results = await Promise.allSettled(this.#members.map((member) => member.order({ kind: 'run', tree })))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed === undefined) {
      this.#tree = tree
      return
    }
    const before = this.#tree
    if (before !== undefined) {
      const changed = this.#members.filter((_, i) => results[i]?.status === 'fulfilled')
      await Promise.allSettled(changed.map((member) => member.order({ kind: 'run', tree: before })))
    }
    throw failed.reason
  }

  /** Empties them; those that are not done when `deadline` aborts are ended as they are. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    await Promise.allSettled(this.#members.map((member) => member.stop(deadline)))
  }
}

class Member {
  readonly #worker: Worker
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>()
  #nextOrder = 0
  #isStopping = false

  constructor(index: number, worker: Worker, owner: PoolOwner) {
    this.#worker = worker
    worker.on('message', (message: ToOwner) => {
      switch (message.kind) {
        case 'done':
          return this.#done(message.order, message.error)
        case 'crossing':
          return void receive(message.crossing, (cut, batch) => owner.deliver(cut, batch)).then((answer) =>
            this.#post({ kind: 'answer', answer }),
          )
        case 'metrics':
          return owner.metrics(index, message.families)
        case 'failed':
          return owner.failed(`${message.component} of worker ${index}`, message.message)
      }
    })
    worker.on('error', (error) => this.#ended(owner, index, error.message))
    worker.on('exit', (code) => this.#ended(owner, index, `it exited with code ${code}`))
  }

  order(order: Order): Promise<void> {
    const number = this.#nextOrder++
    const answer = Promise.withResolvers<void>()
    this.#waiting.set(number, answer)
    this.#post({ ...order, order: number } as ToWorker)
    return answer.promise
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true
    const end = () => void this.#worker.terminate()
    if (deadline.aborted) end()
    deadline.addEventListener('abort', end, { once: true })
    try {
      await this.order({ kind: 'stop' })
    } finally {
      deadline.removeEventListener('abort', end)
      await this.#worker.terminate()
    }
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message)
  }

  #done(order: number, error: string | undefined): void {
    const answer = this.#waiting.get(order)
    this.#waiting.delete(order)
    if (error === undefined) answer?.resolve()
    else answer?.reject(new Error(error))
  }

  /** A worker that ends by itself takes its connections with it: somebody must start the whole process again. */
  #ended(owner: PoolOwner, index: number, why: string): void {
    for (const answer of this.#waiting.values()) answer.reject(new Error(`worker ${index} ended: ${why}`))
    this.#waiting.clear()
    if (!this.#isStopping) owner.failed(`worker ${index}`, why)
  }
}
