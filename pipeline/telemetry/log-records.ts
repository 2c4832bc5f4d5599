/** Lines of the own log as OTLP log records, as upstream's bridge makes them. */
import { newLogs } from '../data/builders.ts'
import type { Logs, Value } from '../data/telemetry.ts'
import type { Loggable } from './log-fields.ts'
import type { OwnResource } from './own-resource.ts'

export interface OwnLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly unixMs: number
  readonly fields: Readonly<Record<string, Loggable>>
}

/** OpenTelemetry's severity numbers. */
const severities = { debug: 5, info: 9, warn: 13, error: 17 } as const
/** What tells which component logged: attributes of the scope, not of the record. */
const componentField = /^otelcol\.(component\.(id|kind)|pipeline\.id|signal)$/

export function linesToOtlp(lines: readonly OwnLine[], resource: OwnResource): Logs {
  const builder = newLogs().resource(resource.attributes)
  const scopes = Map.groupBy(lines, ({ fields }) =>
    JSON.stringify(Object.entries(fields).filter(([name]) => componentField.test(name))),
  )
  for (const [scope, ofScope] of scopes) {
    const attributes = Object.fromEntries(JSON.parse(scope) as [string, string][])
    builder.scope(resource.scope, { version: resource.version, attributes })
    for (const { level, message, unixMs, fields } of ofScope) {
      const timeUnixNano = BigInt(unixMs) * 1_000_000n
      const own = Object.entries(fields).filter(([name]) => !componentField.test(name))
      builder.record({
        timeUnixNano,
        observedUnixNano: timeUnixNano,
        severityNumber: severities[level],
        severityText: level,
        body: message,
        attributes: Object.fromEntries(own) as Readonly<Record<string, Value>>,
      })
    }
  }
  return builder.build()
}
