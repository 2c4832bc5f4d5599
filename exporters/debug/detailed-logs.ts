import type { Tree } from '../../pipeline/data/json/decode-tree.ts'
import { hex, timestamp } from './go-format.ts'
import { Lines } from './lines.ts'
import { typedText } from './value-text.ts'

const severities = ['Trace', 'Debug', 'Info', 'Warn', 'Error', 'Fatal']

export function detailedLogs(resources: readonly Tree[]): string {
  const lines = new Lines()
  for (const [i, resource] of resources.entries()) {
    lines.add(`ResourceLog #${i}`)
    lines.resource(resource)
    for (const [j, scope] of resource.trees('scopeLogs').entries()) {
      lines.add(`ScopeLogs #${j}`)
      lines.add(`ScopeLogs SchemaURL: ${scope.text('schemaUrl')}`)
      lines.scope(scope)
      for (const [k, record] of scope.trees('logRecords').entries()) addRecord(lines, k, record)
    }
  }
  return String(lines)
}

function addRecord(lines: Lines, index: number, record: Tree): void {
  const severity = record.number('severityNumber')
  lines.add(`LogRecord #${index}`)
  lines.add(`ObservedTimestamp: ${timestamp(record.big('observedTimeUnixNano'))}`)
  lines.add(`Timestamp: ${timestamp(record.big('timeUnixNano'))}`)
  lines.add(`SeverityText: ${record.text('severityText')}`)
  lines.add(`SeverityNumber: ${severityName(severity)}(${severity})`)
  if (record.text('eventName') !== '') lines.add(`EventName: ${record.text('eventName')}`)
  lines.add(`Body: ${typedText(record.tree('body'))}`)
  lines.attributes('Attributes', record.trees('attributes'))
  lines.add(`Trace ID: ${hex(record.bytes('traceId'))}`)
  lines.add(`Span ID: ${hex(record.bytes('spanId'))}`)
  lines.add(`Flags: ${record.number('flags')}`)
}

function severityName(severity: number): string {
  if (severity === 0) return 'Unspecified'
  if (severity < 1 || severity > 24) return ''
  const step = (severity - 1) % 4
  return `${severities[Math.floor((severity - 1) / 4)]}${step === 0 ? '' : step + 1}`
}
