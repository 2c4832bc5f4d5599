/** The workers of `vigil generate`: they make, pace, send and retry until count, time or the user ends it. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer, Client } from './client.ts'
import type { NextPayload } from './payloads.ts'

export interface SendSettings {
  /** Items a second over all workers; 0 = as fast as it goes. */
  readonly rate: number
  readonly durationMs: number
  readonly total: number
  readonly workers: number
  readonly batchSize: number
  readonly maxRetries: number
  /** Aborted = start nothing new. */
  readonly signal: AbortSignal
  /** One per worker: a connection of its own, as separate senders have. */
  readonly newClient: () => Client
  readonly next: NextPayload
}

export interface Summary {
  /** Items of every request that had an answer, or that was given up; the sum of the three below. */
  readonly sent: number
  readonly accepted: number
  /** Items of requests that failed, retries included. */
  readonly refused: number
  /** Items that the far end did not take of requests that it accepted. */
  readonly rejected: number
  readonly requests: number
  readonly retries: number
  readonly seconds: number
  readonly itemsPerSecond: number
  /** From sending a request to its answer, each attempt on its own. */
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
  /** What went wrong and how often: the first few different texts. */
  readonly errors: Readonly<Record<string, number>>
}

const firstBackoffMs = 100
const maxBackoffMs = 5_000
/** Behind schedule by more, the rest is forgotten rather than sent in one burst. */
const maxBehindMs = 1_000
const interruptGraceMs = 1_000
const maxErrors = 10
const otherErrors = 'other errors'

export async function send(settings: SendSettings): Promise<Summary> {
  const run = new Run(settings)
  await Promise.all(Array.from({ length: settings.workers }, () => run.work()))
  return run.summary()
}

class Run {
  private readonly settings: SendSettings
  private readonly stop: AbortSignal
  private readonly begun = performance.now()
  private readonly latencies: RecordableHistogram = createHistogram()
  private readonly errors = new Map<string, number>()
  private left: number
  /** When the next request may go, by the rate. */
  private due: number
  private accepted = 0
  private refused = 0
  private rejected = 0
  private requests = 0
  private retries = 0

  constructor(settings: SendSettings) {
    this.settings = settings
    this.left = settings.total
    this.due = this.begun
    this.stop = AbortSignal.any([settings.signal, AbortSignal.timeout(settings.durationMs)])
  }

  async work(): Promise<void> {
    const client = this.settings.newClient()
    let timer: NodeJS.Timeout | undefined
    // Whoever interrupts does not want to wait for an answer that may never come.
    const interrupt = () => {
      timer = setTimeout(() => client.close(), interruptGraceMs)
    }
    this.settings.signal.addEventListener('abort', interrupt)
    try {
      while (this.left > 0 && !this.stop.aborted) {
        const items = Math.min(this.left, this.settings.batchSize)
        this.left -= items
        if (!(await this.turn(items))) return
        await this.deliver(client, await client.encode(this.settings.next(items, Date.now())), items)
      }
    } finally {
      this.settings.signal.removeEventListener('abort', interrupt)
      clearTimeout(timer)
      client.close()
    }
  }

  summary(): Summary {
    const seconds = (performance.now() - this.begun) / 1_000
    const at = (percentile: number) => round(this.latencies.percentile(percentile) / 1_000)
    const hasLatency = this.latencies.count > 0
    return {
      sent: this.accepted + this.refused + this.rejected,
      accepted: this.accepted,
      refused: this.refused,
      rejected: this.rejected,
      requests: this.requests,
      retries: this.retries,
      seconds: round(seconds),
      itemsPerSecond: Math.round(this.accepted / seconds),
      latencyMs: hasLatency
        ? { p50: at(50), p90: at(90), p99: at(99), max: round(this.latencies.max / 1_000) }
        : { p50: 0, p90: 0, p99: 0, max: 0 },
      errors: Object.fromEntries(this.errors),
    }
  }

  /** Waits until the rate allows `items` more; false when the time was over first. */
  private async turn(items: number): Promise<boolean> {
    if (this.settings.rate === 0) return true
    const now = performance.now()
    this.due = Math.max(this.due, now - maxBehindMs)
    const wait = this.due - now
    this.due += (items / this.settings.rate) * 1_000
    return wait <= 0 || this.pause(wait)
  }

  private async deliver(client: Client, encoded: Uint8Array, items: number): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const before = performance.now()
      const answer = await client.send(encoded)
      this.requests++
      this.latencies.record(Math.max(1, Math.round((performance.now() - before) * 1_000)))
      if (answer.message !== '') this.note(answer.message)
      if (answer.outcome === 'accepted') {
        this.rejected += Math.min(answer.rejected, items)
        this.accepted += Math.max(0, items - answer.rejected)
        return
      }
      const mayRetry = answer.outcome === 'retryable' && attempt < this.settings.maxRetries && !this.stop.aborted
      if (!mayRetry || !(await this.pause(backoffMs(answer, attempt)))) {
        this.refused += items
        return
      }
      this.retries++
    }
  }

  /** False when it was cut short because all is over. */
  private pause(ms: number): Promise<boolean> {
    return delay(ms, true, { signal: this.stop }).catch(() => false)
  }

  private note(message: string): void {
    const key = this.errors.has(message) || this.errors.size < maxErrors ? message : otherErrors
    this.errors.set(key, (this.errors.get(key) ?? 0) + 1)
  }
}

function backoffMs(answer: Answer, attempt: number): number {
  return answer.retryAfterMs ?? Math.min(maxBackoffMs, firstBackoffMs * 2 ** attempt * (0.5 + Math.random()))
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000
}
