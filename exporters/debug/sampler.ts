/**
 * zap's sampler: of equal messages, the first few of each second pass, then every n-th. Messages that share a hash bucket count as one;
 * that bounds the memory.
 */
import type { Clock } from '../../pipeline/component.ts'

const buckets = 4096
const tickMs = 1_000

export function createSampler(first: number, thereafter: number, clock: Clock): (message: string) => boolean {
  // Go counts without a sign, so that a negative number is one that is never reached.
  if (thereafter === 1 || first < 0) return () => true
  const counts = new Float64Array(buckets)
  const resetsAtMs = new Float64Array(buckets).fill(Number.NEGATIVE_INFINITY)
  return (message) => {
    const bucket = fnv1a(message) % buckets
    const nowMs = clock.nowMs()
    if (resetsAtMs[bucket]! > nowMs) counts[bucket]!++
    else {
      counts[bucket] = 1
      resetsAtMs[bucket] = nowMs + tickMs
    }
    const over = counts[bucket]! - first
    return over <= 0 || (thereafter > 0 && over % thereafter === 0)
  }
}

/** FNV-1a over UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
