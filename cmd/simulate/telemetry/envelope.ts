/** What lies around the items of one instance in a request: its resource, its scope, and times as OTLP has them. */
import { text } from '../../../pipeline/data/items.ts'
import { type Writer, written } from '../../../pipeline/data/writer.ts'

export interface Scope {
  readonly name: string
  readonly version: string
}

/** Of everything that the SDK of an instance sends. */
export const instrumentation: Scope = { name: 'vigil.simulated.instrumentation', version: '1.0.0' }

export function scopeBytes({ name, version }: Scope): Uint8Array {
  return written((to) => {
    text(to, 18, version)
    text(to, 10, name)
  })
}

/** `writeItems` writes items with their tags, the last one first. */
export function enveloped(resource: Uint8Array, scope: Uint8Array, writeItems: (to: Writer) => void): Uint8Array {
  // It leaves at once, or late by some seconds.
  return written((to) => {
    const begin = to.size
    writeItems(to)
    const head = to.size
    to.bytes(scope)
    to.message(10, head)
    to.message(18, begin)
    const before = to.size
    to.bytes(resource)
    to.message(10, before)
    to.message(10, begin)
  }, true)
}

/** The same nanoseconds as `unixNano`, in halves: milliseconds since 1970 times a million do not fit into a double. */
export function writeUnixNano(to: Writer, startMs: number, ms: number): void {
  const whole = Math.floor(ms)
  const all = startMs + whole
  const upper = Math.floor(all / 0x20_0000) * 1e6
  const upperHigh = Math.floor(upper / 0x800)
  const rest = (upper - upperHigh * 0x800) * 0x20_0000 + (all % 0x20_0000) * 1e6 + Math.round((ms - whole) * 1e6)
  to.fixed32((upperHigh + Math.floor(rest / 0x1_0000_0000)) >>> 0)
  to.fixed32(rest % 0x1_0000_0000)
}
