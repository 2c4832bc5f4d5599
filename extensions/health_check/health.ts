/** The answers of upstream's health check, byte for byte. */
import type { EngineView } from '../../pipeline/telemetry/engine-view.ts'

export function isReady(engine: EngineView): boolean {
  return engine.phase === 'ready'
}

export function healthBody(engine: EngineView, nowUnixNano: bigint): string {
  if (!isReady(engine)) return '{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}'
  const upSince = rfc3339Nano(engine.readySinceUnixNano)
  const uptime = goDuration(nowUnixNano - engine.readySinceUnixNano)
  return JSON.stringify({ status: 'Server available', upSince, uptime })
}

/** `2026-11-23T13:17:41.415550137Z`, without zeros at the end. */
export function rfc3339Nano(unixNano: bigint): string {
  const seconds = new Date(Number(unixNano / 1_000_000_000n) * 1000).toISOString().slice(0, 19)
  const fraction = fractionOf(unixNano % 1_000_000_000n, 9)
  return `${seconds}${fraction}Z`
}

/** `time.Duration.String()`: `1h2m3.5s`, below a second `218.953273ms`, `1.5µs`, `7ns`. */
export function goDuration(nanos: bigint): string {
  if (nanos <= 0n) return '0s'
  if (nanos < 1_000n) return `${nanos}ns`
  if (nanos < 1_000_000n) return `${nanos / 1_000n}${fractionOf(nanos % 1_000n, 3)}µs`
  if (nanos < 1_000_000_000n) return `${nanos / 1_000_000n}${fractionOf(nanos % 1_000_000n, 6)}ms`
  const total = nanos / 1_000_000_000n
  const seconds = `${total % 60n}${fractionOf(nanos % 1_000_000_000n, 9)}s`
  const minutes = (total / 60n) % 60n
  const hours = total / 3_600n
  if (hours > 0n) return `${hours}h${minutes}m${seconds}`
  return minutes > 0n ? `${minutes}m${seconds}` : seconds
}

function fractionOf(rest: bigint, digits: number): string {
  const text = String(rest).padStart(digits, '0').replace(/0+$/, '')
  return text === '' ? '' : `.${text}`
}
