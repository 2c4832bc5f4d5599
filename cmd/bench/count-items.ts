/** How many spans, data points or log records a request holds, by its framing alone. */
import { cursor, skip, uvarint } from '../../pipeline/data/wire.ts'
import type { GeneratedSignal } from '../generate/payloads.ts'

/** From the request down to the item: the tags that lead on. `Metric` has one field for each shape of data. */
const paths: Record<GeneratedSignal, readonly (readonly number[])[]> = {
  traces: [[10], [18], [18]],
  logs: [[10], [18], [18]],
  metrics: [[10], [18], [18], [42, 58, 74, 82, 90], [10]],
}

/** Throws when the framing is broken: a collector that garbles what it sends must not look fast. */
export function countItems(signal: GeneratedSignal, body: Uint8Array): number {
  return count(body, 0, body.length, paths[signal], 0)
}

function count(b: Uint8Array, p: number, end: number, path: readonly (readonly number[])[], depth: number): number {
  const tags = path[depth]!
  const isLast = depth === path.length - 1
  let items = 0
  while (p < end) {
    const tag = uvarint(b, p)
    p = cursor
    if ((tag & 7) === 2) {
      const length = uvarint(b, p)
      const from = cursor
      p = from + length
      if (p > end) break
      if (tags.includes(tag)) items += isLast ? 1 : count(b, from, p, path, depth + 1)
    } else p = skip(b, p, tag & 7)
  }
  if (p !== end) throw new Error(`A message of a request ends at byte ${p} and not at ${end}.`)
  return items
}
