/** The last spans of each name, by how long they took and whether they failed: what zpages shows. */
import type { OwnSpan } from './span.ts'

/** Lower bounds in milliseconds, as upstream's tracez has them. */
const latencyBoundsMs = [0, 0.01, 0.1, 1, 10, 100, 1_000, 10_000, 100_000] as const
/** Spans kept of each bucket. */
const bucketSize = 16
/** Names come from component ids, so there are few; a plugin that makes more is not shown. */
const maxNames = 1_000

export interface SpanSummary {
  readonly name: string
  /** The first few of those that run now; `runningCount` are all. */
  readonly running: readonly OwnSpan[]
  readonly runningCount: number
  /** By latency bucket: how many there were, and the last of them. */
  readonly latency: readonly { readonly count: number; readonly last: readonly OwnSpan[] }[]
  readonly errors: { readonly count: number; readonly last: readonly OwnSpan[] }
}

class Bucket {
  count = 0
  last: OwnSpan[] = []

  add(span: OwnSpan): void {
    this.count++
    if (this.last.length === bucketSize) this.last.shift()
    this.last.push(span)
  }
}
class Kept {
  readonly running = new Set<OwnSpan>()
  runningCount = 0
  readonly latency = latencyBoundsMs.map(() => new Bucket())
  readonly errors = new Bucket()
}

export class SpanRing {
  readonly #byName = new Map<string, Kept>()

  started(span: OwnSpan): void {
    let kept = this.#byName.get(span.name)
    if (kept === undefined) {
      if (this.#byName.size >= maxNames) return
      kept = new Kept()
      this.#byName.set(span.name, kept)
    }
    kept.runningCount++
    if (kept.running.size < bucketSize) kept.running.add(span)
  }

  ended(span: OwnSpan): void {
    const kept = this.#byName.get(span.name)
    if (kept === undefined) return
    kept.running.delete(span)
    // It may have started before anybody looked.
    kept.runningCount = Math.max(0, kept.runningCount - 1)
    if (span.error !== undefined) kept.errors.add(span)
    else kept.latency[latencyBoundsMs.findLastIndex((bound) => span.endMs - span.startMs >= bound)]?.add(span)
  }

  clear(): void {
    this.#byName.clear()
  }

  summaries(): readonly SpanSummary[] {
    const all = [...this.#byName].sort(([a], [b]) => (a < b ? -1 : 1))
    return all.map(([name, { running, runningCount, latency, errors }]) => {
      return { name, running: [...running], runningCount, latency, errors }
    })
  }
}
