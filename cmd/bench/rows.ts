/** What is measured end to end: each signal over each transport and coding, in and out alike. */
import type { Compression } from '../generate/client.ts'
import { type GeneratedSignal, generatedSignals } from '../generate/payloads.ts'

export interface Row {
  readonly name: string
  readonly signal: GeneratedSignal
  readonly protocol: 'grpc' | 'http'
  readonly compression: Compression
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
