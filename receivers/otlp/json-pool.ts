/** A few workers for large JSON, started when the first one comes. What waits for them is bounded by the server's budget of bytes in flight. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Rejected } from '../../pipeline/component.ts'
import type { Signal } from '../../pipeline/data/telemetry.ts'
import type { Result, Task } from './json-worker.ts'

const maxWorkers = Math.max(1, Math.min(4, availableParallelism() - 1))

interface Member {
  readonly worker: Worker
  readonly waiting: Map<number, PromiseWithResolvers<Uint8Array>>
}

export class JsonPool {
  readonly #members: Member[] = []
  #nextId = 0
  #isClosed = false

  /** The request as protobuf. Throws `Rejected`. Takes `body` over where it owns its buffer. */
  async read(signal: Signal, body: Uint8Array): Promise<Uint8Array> {
    if (this.#isClosed) throw new Rejected('the receiver is shutting down', { retryable: true })
    const member = this.#pick()
    const id = this.#nextId++
    const result = Promise.withResolvers<Uint8Array>()
    member.waiting.set(id, result)
    member.worker.ref()
    const isOwner = body.byteLength === body.buffer.byteLength
    const own = (isOwner ? body : new Uint8Array(body)) as Uint8Array<ArrayBuffer>
    member.worker.postMessage({ id, signal, body: own } satisfies Task, [own.buffer])
    return result.promise
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()))
  }

  /** The least busy one; one more as long as all are busy and there may be. */
  #pick(): Member {
    let best: Member | undefined
    for (const member of this.#members) if (!best || member.waiting.size < best.waiting.size) best = member
    if (best && (best.waiting.size === 0 || this.#members.length >= maxWorkers)) return best
    return this.#start()
  }

  #start(): Member {
    const worker = new Worker(new URL('./json-worker.ts', import.meta.url))
    const member: Member = { worker, waiting: new Map() }
    this.#members.push(member)
    worker.on('message', (result: Result) => {
      const waiting = member.waiting.get(result.id)
      member.waiting.delete(result.id)
      // An idle worker must not keep the process alive.
      if (member.waiting.size === 0) worker.unref()
      if ('proto' in result) waiting?.resolve(result.proto)
      else waiting?.reject(rejection(result.error, result.grpcCode))
    })
    const lost = (cause?: unknown) => {
      const at = this.#members.indexOf(member)
      if (at >= 0) this.#members.splice(at, 1)
      for (const waiting of member.waiting.values())
        waiting.reject(new Rejected('the JSON worker stopped', { retryable: true, cause }))
      member.waiting.clear()
    }
    worker.on('error', lost)
    worker.on('exit', () => lost())
    return member
  }
}

function rejection(message: string, grpcCode: number | undefined): Error {
  return grpcCode === undefined ? new Error(message) : new Rejected(message, { retryable: false, grpcCode })
}
