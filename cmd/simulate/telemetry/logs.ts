/** Log lines as such services write them: a few templates each, with parameters that vary. */
import type { LogRecordInit } from '../../../pipeline/data/items.ts'
import type { Instance } from '../world/instance.ts'
import type { LogEvent } from '../world/observer.ts'
import type { Random } from '../world/random.ts'
import type { Operation } from '../world/service.ts'
import { hex } from './ids.ts'
import { querySummary } from './protocol.ts'
import { unixNano } from './time.ts'

const severities = { DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 } as const
type Severity = keyof typeof severities

interface Line {
  readonly severity: Severity
  readonly body: string
  readonly attributes?: Readonly<Record<string, string | number>>
}

export interface LoggedEvent {
  readonly instance: Instance
  readonly operation: Operation | undefined
  readonly event: LogEvent
  readonly atMs: number
}

export function logRecordInit(logged: LoggedEvent, startMs: number, random: Random): LogRecordInit {
  const { severity, body, attributes = {} } = lineOf(logged, random)
  const { event, instance, atMs } = logged
  const span = 'span' in event ? event.span : undefined
  const timeUnixNano = unixNano(startMs, atMs, instance.machine)
  return {
    timeUnixNano,
    observedUnixNano: timeUnixNano,
    severityNumber: severities[severity],
    severityText: severity,
    body,
    attributes,
    ...(span === undefined ? {} : { traceId: hex(span.trace.id), spanId: hex(span.id), flags: 1 }),
  }
}

function lineOf({ event, operation, instance }: LoggedEvent, random: Random): Line {
  const name = operation?.name ?? ''
  switch (event.kind) {
    case 'request':
      return {
        severity: 'INFO',
        body: `${name} for user ${user(random)} done in ${event.ms.toFixed(0)} ms`,
        attributes: { 'code.function.name': `${instance.service.name}.handle` },
      }
    case 'failure':
      return {
        severity: 'ERROR',
        body: `${name} failed for user ${user(random)}: ${sentenceOf(event.errorType)} (request ${request(random)})`,
        attributes: { 'exception.type': event.errorType },
      }
    case 'call failed':
      return {
        severity: 'WARN',
        body: `Calling ${event.target.service.name} ${event.target.name} failed: ${event.outcome}, request ${request(random)}`,
        attributes: { 'error.type': event.outcome },
      }
    case 'slow query': {
      const text = operation?.query?.text ?? ''
      return {
        severity: 'WARN',
        body: `duration: ${event.ms.toFixed(3)} ms  statement: ${text}`,
        attributes: {
          'db.query.summary': operation === undefined ? '' : querySummary(operation),
          'db.query.text': text,
          'postgresql.rows_examined': event.rows,
        },
      }
    }
    case 'life':
      return life(event.what, event.detail, instance)
  }
}

function life(what: Extract<LogEvent, { kind: 'life' }>['what'], detail: string, { service, name }: Instance): Line {
  switch (what) {
    case 'started':
      return { severity: 'INFO', body: `${service.name} ${detail} started on ${name}, listening on :8080` }
    case 'stopping':
      return { severity: 'INFO', body: 'Received SIGTERM, finishing requests' }
    case 'out of memory':
      return { severity: 'FATAL', body: `Out of memory: heap limit reached, ${detail}` }
    case 'killed':
      return { severity: 'FATAL', body: `Process was killed, ${detail}` }
    default:
      return { severity: 'INFO', body: `${what}: ${detail}` }
  }
}

function sentenceOf(errorType: string): string {
  if (errorType === 'dependency_failed') return 'a call to another service failed'
  if (errorType === 'timeout') return 'a call to another service timed out'
  return errorType
}

const user = (random: Random) => `u${10_000 + random.below(90_000)}`
const request = (random: Random) => random.bits().toString(16).padStart(8, '0')
