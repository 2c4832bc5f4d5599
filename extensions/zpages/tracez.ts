/** `/debug/tracez`: the last of the engine's own spans, by how long they took and whether they failed. */
import type { EngineView } from '../../pipeline/telemetry/engine-view.ts'
import type { OwnSpan } from '../../pipeline/telemetry/span.ts'
import type { SpanSummary } from '../../pipeline/telemetry/span-ring.ts'
import { type Html, html, page, table } from './html.ts'

/** As upstream names them: lower bounds of latency buckets. */
const bucketNames = ['>0s', '>10µs', '>100µs', '>1ms', '>10ms', '>100ms', '>1s', '>10s', '>100s']
/** As upstream's `ztype`. */
const running = '0'
const latency = '1'
const errors = '2'

export function tracez({ spans }: EngineView, query: URLSearchParams): string {
  const summaries = spans.ring.summaries()
  const rows = summaries.map((summary) => {
    const { name, runningCount } = summary
    const cell = (type: string, count: number, bucket = 0) => (count === 0 ? 0 : link(name, type, bucket, count))
    return [
      name,
      cell(running, runningCount),
      ...summary.latency.map(({ count }, bucket) => cell(latency, count, bucket)),
      cell(errors, summary.errors.count),
    ]
  })
  const none = html`<p>No spans yet: there is one for each batch that is received or exported since this page is served.</p>`
  const chosen = summaries.find(({ name }) => name === query.get('zspanname'))
  return page(
    'Trace Spans',
    html`${rows.length === 0 ? none : table(['Span Name', 'Running', ...bucketNames, 'Errors'], rows)}${
      chosen ? details(chosen, query) : html``
    }`,
  )
}

function details(summary: SpanSummary, query: URLSearchParams): Html {
  const bucket = Number(query.get('zlatencybucket') ?? 0)
  const type = query.get('ztype') ?? latency
  const [title, spans] =
    type === running
      ? ['running', summary.running]
      : type === errors
        ? ['errors', summary.errors.last]
        : [bucketNames[bucket] ?? '', summary.latency[bucket]?.last ?? []]
  const rows = [...spans]
    .reverse()
    .map((span) => [
      new Date(span.startMs).toISOString(),
      span.endMs === 0 ? 'running' : `${(span.endMs - span.startMs).toFixed(3)} ms`,
      html`<code>${span.traceId}</code><br><code>${span.spanId}</code>`,
      parents(span),
      html`<pre>${lines(span)}</pre>`,
    ])
  const head = ['Start', 'Elapsed', 'Trace and span', 'Parent', 'Attributes and events']
  return html`<h3>${summary.name}: ${title}</h3>${table(head, rows)}`
}

function parents({ parent, links }: OwnSpan): Html {
  if (parent !== undefined) return html`<code>${parent.spanId}</code>${parent.isRemote ? ' (of the sender)' : ''}`
  return html`${links.map(({ traceId, spanId }) => html`link to <code>${traceId} ${spanId}</code><br>`)}`
}

function lines({ attributes, events, error, startMs }: OwnSpan): string {
  const all = Object.entries(attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  for (const { name, atMs, attributes: more } of events) {
    all.push(`${(atMs - startMs).toFixed(3)} ms  ${name} ${JSON.stringify(more)}`)
  }
  if (error !== undefined) all.push(`error: ${error}`)
  return all.join('\n')
}

function link(name: string, type: string, bucket: number, count: number): Html {
  const query = new URLSearchParams({ zspanname: name, ztype: type, zlatencybucket: String(bucket) })
  return html`<a href="/debug/tracez?${query.toString()}">${count}</a>`
}
