/** Log records whose body is their number. */
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Logs } from '../../pipeline/data/telemetry.ts'

export function request(from: number, count: number): Uint8Array {
  const builder = newLogs().resource({ 'service.name': 'crash' })
  for (let i = 0; i < count; i++) {
    builder.record({ body: from + i, attributes: { 'http.route': '/orders/{id}', 'http.response.status_code': 200 } })
  }
  const [chunk] = builder.build().chunks
  if (chunk === undefined) throw new Error('an empty request')
  return chunk
}

export function* logsOf(batch: Logs): Iterable<number> {
  for (const { body } of batch) yield Number(body)
}

/** A small generator with a seed (mulberry32), so that a run can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
