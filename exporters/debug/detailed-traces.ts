import type { Tree } from '../../pipeline/data/json/decode-tree.ts'
import { hex, timestamp } from './go-format.ts'
import { Lines } from './lines.ts'

const kinds = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer']
const codes = ['Unset', 'Ok', 'Error']

/** Every field of every span, as upstream's otlptext writes it. */
export function detailedTraces(resources: readonly Tree[]): string {
  const lines = new Lines()
  for (const [i, resource] of resources.entries()) {
    lines.add(`ResourceSpans #${i}`)
    lines.resource(resource)
    for (const [j, scope] of resource.trees('scopeSpans').entries()) {
      lines.add(`ScopeSpans #${j}`)
      lines.add(`ScopeSpans SchemaURL: ${scope.text('schemaUrl')}`)
      lines.scope(scope)
      for (const [k, span] of scope.trees('spans').entries()) addSpan(lines, k, span)
    }
  }
  return String(lines)
}

function addSpan(lines: Lines, index: number, span: Tree): void {
  lines.add(`Span #${index}`)
  lines.labelled('Trace ID', hex(span.bytes('traceId')))
  lines.labelled('Parent ID', hex(span.bytes('parentSpanId')))
  lines.labelled('ID', hex(span.bytes('spanId')))
  lines.labelled('Name', span.text('name'))
  lines.labelled('Kind', kinds[span.number('kind')] ?? '')
  if (span.text('traceState') !== '') lines.labelled('TraceState', span.text('traceState'))
  lines.labelled('Start time', timestamp(span.big('startTimeUnixNano')))
  lines.labelled('End time', timestamp(span.big('endTimeUnixNano')))
  lines.labelled('Status code', codes[span.tree('status').number('code')] ?? '')
  lines.labelled('Status message', span.tree('status').text('message'))
  lines.labelled('DroppedAttributesCount', String(span.number('droppedAttributesCount')))
  lines.labelled('DroppedEventsCount', String(span.number('droppedEventsCount')))
  lines.labelled('DroppedLinksCount', String(span.number('droppedLinksCount')))
  lines.attributes('Attributes', span.trees('attributes'))

  const events = span.trees('events')
  if (events.length > 0) lines.add('Events:')
  for (const [k, event] of events.entries()) {
    lines.add(`SpanEvent #${k}`)
    lines.add(`     -> Name: ${event.text('name')}`)
    lines.add(`     -> Timestamp: ${timestamp(event.big('timeUnixNano'))}`)
    lines.add(`     -> DroppedAttributesCount: ${event.number('droppedAttributesCount')}`)
    lines.attributes('     -> Attributes:', event.trees('attributes'))
  }

  const links = span.trees('links')
  if (links.length > 0) lines.add('Links:')
  for (const [k, link] of links.entries()) {
    lines.add(`SpanLink #${k}`)
    lines.add(`     -> Trace ID: ${hex(link.bytes('traceId'))}`)
    lines.add(`     -> ID: ${hex(link.bytes('spanId'))}`)
    lines.add(`     -> TraceState: ${link.text('traceState')}`)
    lines.add(`     -> DroppedAttributesCount: ${link.number('droppedAttributesCount')}`)
    lines.attributes('     -> Attributes:', link.trees('attributes'))
  }
}
