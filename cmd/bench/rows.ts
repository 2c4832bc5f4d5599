/** What is measured end to end: each signal over each transport and coding, in and out alike. */
import type { Compression } from '../generate/client.ts'
import { type GeneratedSignal, generatedSignals } from '../generate/payloads.ts'

export interface Row {
  readonly name: string
  readonly signal: GeneratedSignal
  readonly protocol: 'grpc' | 'http'
  readonly compression: Compression
  readonly component?: BenchedComponent
}

/** A processor or connector between the receiver and the batch processor. */
export interface BenchedComponent {
  readonly section: 'processors' | 'connectors'
  readonly type: string
  readonly config: string
  /** What comes out. */
  readonly sink: GeneratedSignal
  /** Whether each item that goes in comes out, so that losses can be told. */
  readonly passesAll: boolean
  /** Milliseconds after the load in which what is held is worked on; it counts. */
  readonly settleMs?: number
  /** Payloads, when it needs more of them to be as busy as its name says. */
  readonly distinct?: number
}

const codings: readonly Compression[] = ['none', 'gzip', 'zstd']

export const allRows: readonly Row[] = generatedSignals.flatMap((signal) =>
  (['grpc', 'http'] as const).flatMap((protocol) =>
    codings.map((compression) => ({ name: `${signal} ${protocol} ${compression}`, signal, protocol, compression })),
  ),
)

const quick = new Set([
  'traces grpc none',
  'traces grpc gzip',
  'traces http none',
  'metrics grpc none',
  'logs grpc none',
])

export function chooseRows(isQuick: boolean, substring: string | undefined): readonly Row[] {
  return allRows.filter(
    ({ name }) => (!isQuick || quick.has(name)) && (substring === undefined || name.includes(substring)),
  )
}

function componentRow(name: string, component: BenchedComponent): Row {
  return { name, signal: 'traces', protocol: 'grpc', compression: 'none', component }
}

/** What a component adds to `traces grpc none`. */
export const componentRows: readonly Row[] = [
  componentRow('attributes: insert, hash, delete', {
    section: 'processors',
    type: 'attributes',
    config: `actions:
  - { key: env, value: prod, action: insert }
  - { key: enduser.id, action: hash }
  - { key: url.path, action: delete }`,
    sink: 'traces',
    passesAll: true,
  }),
  componentRow('filter: two conditions', {
    section: 'processors',
    type: 'filter',
    config: `error_mode: ignore
traces:
  span:
    - 'attributes["http.route"] == "/health"'
    - 'IsMatch(name, "^SELECT ") and status.code != STATUS_CODE_ERROR'`,
    sink: 'traces',
    passesAll: false,
  }),
  componentRow('transform: four statements', {
    section: 'processors',
    type: 'transform',
    config: `error_mode: ignore
trace_statements:
  - set(span.attributes["route"], Concat([span.attributes["http.request.method"], span.attributes["http.route"]], " "))
  - replace_pattern(span.name, "[0-9]+", "{n}")
  - delete_key(span.attributes, "enduser.id")
  - set(span.status.code, STATUS_CODE_ERROR) where span.attributes["http.response.status_code"] >= 500`,
    sink: 'traces',
    passesAll: true,
  }),
  componentRow('tail_sampling: 50,000 traces', {
    section: 'processors',
    type: 'tail_sampling',
    config: `decision_wait: 2s
num_traces: 50000
policies:
  - { name: errors, type: status_code, status_code: { status_codes: [ERROR] } }
  - { name: slow, type: latency, latency: { threshold_ms: 700 } }
  - { name: some, type: probabilistic, probabilistic: { sampling_percentage: 5 } }`,
    sink: 'traces',
    passesAll: false,
    settleMs: 4_000,
    // 125 traces in each.
    distinct: 400,
  }),
  componentRow('span_metrics: 9,300 series', {
    section: 'connectors',
    type: 'span_metrics',
    config: `metrics_flush_interval: 5s
histogram: { explicit: { buckets: [5ms, 25ms, 100ms, 250ms, 1s] } }
dimensions: [{ name: server.address }]`,
    sink: 'metrics',
    passesAll: false,
    settleMs: 6_000,
  }),
]

export function chooseComponentRows(substring: string | undefined): readonly Row[] {
  return componentRows.filter(({ name }) => substring === undefined || name.includes(substring))
}

/** The exporter's name and settings. Blocking when full: what the sender was promised must arrive, or the count would not add up. */
export function exporterOf({ protocol, compression }: Row, port: number): { name: string; body: string } {
  const queue = 'sending_queue: { queue_size: 32, block_on_overflow: true }'
  return protocol === 'grpc'
    ? {
        name: 'otlp_grpc',
        body: `endpoint: 127.0.0.1:${port}\ntls: { insecure: true }\ncompression: ${compression}\n${queue}`,
      }
    : { name: 'otlp_http', body: `endpoint: http://127.0.0.1:${port}\ncompression: ${compression}\n${queue}` }
}
