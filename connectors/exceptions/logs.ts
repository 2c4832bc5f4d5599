/** Exceptions as log records, one each. */
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Logs, Origin, Value } from '../../pipeline/data/telemetry.ts'
import { described, type Found } from './found.ts'

const severityError = 17

/** Undefined where there is no exception. */
export function logsOf(exceptions: readonly Found[], origin: Origin): Logs | undefined {
  if (exceptions.length === 0) return undefined
  const logs = newLogs(origin)
  let group: object | undefined
  for (const found of exceptions) {
    const { scope, span, event } = found
    if (found.group !== group) {
      group = found.group
      logs.resource().scope(scope.name, { version: scope.version, attributes: scope.attributes })
    }
    const attributes = new Map<string, Value>()
    for (const [name, value] of span.attributes.entries()) if (!attributes.has(name)) attributes.set(name, value)
    for (const [name, value] of described(found)) attributes.set(name, value)
    for (const [name, value] of found.dimensions) attributes.set(name, value)
    attributes.set('exception.stacktrace', event.attributes.get('exception.stacktrace') ?? '')
    logs.record({
      timeUnixNano: event.timeUnixNano,
      severityNumber: severityError,
      severityText: 'ERROR',
      traceId: span.traceId,
      spanId: span.spanId,
      attributes: Object.fromEntries(attributes),
    })
  }
  return logs.build()
}
