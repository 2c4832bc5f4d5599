/** The world's milliseconds as what a machine's clock shows. */
import type { Machine } from '../world/machine.ts'

export function unixNano(startMs: number, ms: number, machine?: Machine): bigint {
  const at = ms + (machine?.skewMs ?? 0)
  const whole = Math.floor(at)
  // Nanoseconds beyond the millisecond fit into a double; those since 1970 do not.
  return BigInt(startMs + whole) * 1_000_000n + BigInt(Math.round((at - whole) * 1e6))
}
