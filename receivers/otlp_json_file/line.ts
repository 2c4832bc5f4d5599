/** One line of OTLP JSON: which signal it is. */
import { Rejected } from '../../pipeline/component.ts'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { Batch, Origin, Signal } from '../../pipeline/data/telemetry.ts'

const signalOfKey: Readonly<Record<string, Signal>> = {
  resourceSpans: 'traces',
  resource_spans: 'traces',
  resourceMetrics: 'metrics',
  resource_metrics: 'metrics',
  resourceLogs: 'logs',
  resource_logs: 'logs',
  resourceProfiles: 'profiles',
  resource_profiles: 'profiles',
}
const origin: Origin = { ...noOrigin, transport: 'file' }
/** Where the first key stands in what any exporter writes. */
const headBytes = 64

/** Nothing for an empty line and for a signal that no pipeline takes. Throws `Rejected`, or what the JSON parser says, for what is no OTLP. */
export function readLine(line: Buffer, wanted: ReadonlySet<Signal>): Batch | undefined {
  if (isBlank(line)) return undefined
  const signal = signalOf(line)
  if (signal === undefined || !wanted.has(signal)) return undefined
  const batch = readOtlp(signal, line, 'json', origin)
  return batch.count > 0 ? batch : undefined
}

function signalOf(line: Buffer): Signal | undefined {
  const [, key = ''] = /^\s*\{\s*"(\w+)"\s*:/.exec(line.toString('latin1', 0, headBytes)) ?? []
  const quick = Object.hasOwn(signalOfKey, key) ? signalOfKey[key] : undefined
  if (quick !== undefined) return quick
  // A dictionary of profiles, or keys of another version, may come first.
  const value: unknown = JSON.parse(line.toString('utf8'))
  const keys = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : undefined
  const known = keys?.find((one) => Object.hasOwn(signalOfKey, one))
  if (known !== undefined) return signalOfKey[known]
  if (keys?.length === 0) return undefined
  throw new Rejected('it has none of resourceSpans, resourceMetrics, resourceLogs, resourceProfiles', {
    retryable: false,
  })
}

function isBlank(line: Buffer): boolean {
  return line.length < 4 && line.toString('latin1').trim() === ''
}
