/** Where own telemetry goes: the exporters, processors and samplers of `service::telemetry`, in the shape of otelconf 0.3.0. Times are milliseconds. */
import { z } from 'zod'
import { headers, secret } from '../config/fields.ts'
import { withHost } from '../net/http-client-keys.ts'
import { type ClientTls, clientTlsKeys } from '../net/tls.ts'
import type { ExporterSettings, ItemProcessorSettings, OtlpSettings, SamplerSettings } from './settings.ts'

const protocols = ['grpc', 'http/protobuf', 'http/json'] as const
const temporalities = ['cumulative', 'delta', 'lowmemory'] as const
const ms = (standard: number) => z.int().min(0).default(standard)

const otlpShape = {
  protocol: z
    .enum(protocols, {
      error: ({ input }) => `unsupported protocol ${JSON.stringify(input)}; write ${protocols.join(', ')}`,
    })
    .default('http/protobuf')
    .describe('grpc, http/protobuf or http/json'),
  endpoint: z
    .string()
    .default('')
    .superRefine((text, context) => {
      if (text !== '' && !URL.canParse(withScheme(text, true)))
        context.addIssue({
          code: 'custom',
          message: `endpoint ${JSON.stringify(text)} is no URL: write http://host:4318`,
        })
    })
    .describe('host:port or URL; without a path the signal has its own. Empty = localhost, 4317 or 4318'),
  insecure: z.boolean().default(false).describe('Plain text where the endpoint has no scheme'),
  headers: headers().describe('Sent with each request'),
  headers_list: secret().default('').describe('The same as `a=b,c=d`; `headers` wins'),
  compression: z
    .enum(['gzip', 'none'], {
      error: ({ input }) => `unsupported compression ${JSON.stringify(input)}; write gzip or none`,
    })
    .default('none')
    .describe('gzip or none'),
  timeout: ms(10_000).describe('Of one request, in milliseconds; 0 = 10000'),
  certificate: z.string().default('').describe('CA file that the server is verified with'),
  client_certificate: z.string().default('').describe('Certificate file to present'),
  client_key: z.string().default('').describe('Its private key'),
}
const otlpKeys = z.strictObject(otlpShape)
const metricOtlpKeys = z.strictObject({
  ...otlpShape,
  temporality_preference: z
    .enum(temporalities, {
      error: ({ input }) =>
        `unsupported temporality preference ${JSON.stringify(input)}; write ${temporalities.join(', ')}`,
    })
    .default('cumulative')
    .describe('cumulative, delta or lowmemory'),
  default_histogram_aggregation: z
    .enum(['explicit_bucket_histogram', 'base2_exponential_bucket_histogram'])
    .nullish()
    .describe('Without effect: histograms have explicit buckets'),
})
const consoleKeys = z.looseObject({}).nullish().describe('To stdout as OTLP JSON: write console: {}')

const exporterKeys = z
  .strictObject({ console: consoleKeys, otlp: otlpKeys.nullish().describe('To an OTLP server') })
  .superRefine(oneExporter)
export const metricExporterKeys = z
  .strictObject({ console: consoleKeys, otlp: metricOtlpKeys.nullish().describe('To an OTLP server') })
  .superRefine(oneExporter)

function oneExporter(
  exporter: { console?: unknown; otlp?: unknown },
  context: { addIssue(issue: { code: 'custom'; message: string }): void },
): void {
  if (exporter.console && exporter.otlp)
    context.addIssue({ code: 'custom', message: 'must not specify multiple exporters: keep console or otlp' })
  else if (!exporter.console && !exporter.otlp) {
    const message =
      'no valid exporter: write otlp: {protocol: http/protobuf, endpoint: http://host:4318} or console: {}'
    context.addIssue({ code: 'custom', message })
  }
}

/** `delayMs`: how long the batch processor of that signal waits by default. */
export function processorKeys(delayMs: number) {
  const batch = z.strictObject({
    exporter: exporterKeys.describe('Where to'),
    schedule_delay: ms(delayMs).describe('Longest wait for company, in milliseconds'),
    export_timeout: ms(30_000).describe('Of one export with its retries, in milliseconds; 0 = 30000'),
    max_queue_size: z.int().min(1).default(2_048).describe('Items that may wait; more are dropped and counted'),
    max_export_batch_size: z.int().min(1).default(512).describe('Items of one request'),
  })
  return z
    .strictObject({
      batch: batch.nullish().describe('Collects items'),
      simple: z
        .strictObject({ exporter: exporterKeys.describe('Where to') })
        .nullish()
        .describe('Sends each item alone'),
    })
    .superRefine(({ batch: batched, simple }, context) => {
      if (!batched === !simple)
        context.addIssue({ code: 'custom', message: 'unsupported processor type, must be one of simple or batch' })
    })
}
type ProcessorKeys = z.output<ReturnType<typeof processorKeys>>

const leafSamplerShape = {
  always_on: z.looseObject({}).nullish().describe('Every trace'),
  always_off: z.looseObject({}).nullish().describe('None'),
  trace_id_ratio_based: z
    .strictObject({ ratio: z.number().min(0).max(1).default(1).describe('Share of the traces') })
    .nullish()
    .describe('Some, chosen by their id'),
}
const samplerMessage = 'invalid sampler configuration: write one of always_on, always_off, trace_id_ratio_based'
const leafSampler = z
  .strictObject(leafSamplerShape)
  .refine((sampler) => Object.values(sampler).some(Boolean), { error: samplerMessage })
  .nullish()
export const samplerKeys = z
  .strictObject({
    ...leafSamplerShape,
    parent_based: z
      .strictObject({
        root: leafSampler.describe('Of traces that begin here; absent = always_on'),
        remote_parent_sampled: leafSampler.describe('Absent = always_on'),
        remote_parent_not_sampled: leafSampler.describe('Absent = always_off'),
        local_parent_sampled: leafSampler.describe('Absent = always_on'),
        local_parent_not_sampled: leafSampler.describe('Absent = always_off'),
      })
      .nullish()
      .describe('As the parent was'),
  })
  .refine((sampler) => Object.values(sampler).some(Boolean), { error: `${samplerMessage} or parent_based` })
type SamplerKeys = z.output<typeof samplerKeys>

export function itemProcessor({ batch, simple }: ProcessorKeys): ItemProcessorSettings[] {
  if (batch) {
    return [
      {
        exporter: exporterOf(batch.exporter),
        delayMs: batch.schedule_delay,
        exportTimeoutMs: batch.export_timeout || 30_000,
        maxQueueSize: batch.max_queue_size,
        maxBatchSize: Math.min(batch.max_export_batch_size, batch.max_queue_size),
      },
    ]
  }
  if (!simple) return []
  const exporter = exporterOf(simple.exporter)
  return [{ exporter, delayMs: 0, exportTimeoutMs: 30_000, maxQueueSize: 2_048, maxBatchSize: 1 }]
}

export function exporterOf({
  otlp,
}: z.output<typeof metricExporterKeys> | z.output<typeof exporterKeys>): ExporterSettings {
  return otlp ? { to: 'otlp', ...otlpOf(otlp) } : { to: 'console' }
}

function otlpOf(otlp: z.output<typeof metricOtlpKeys> | z.output<typeof otlpKeys>): OtlpSettings {
  const given = otlp.endpoint || `http://localhost:${otlp.protocol === 'grpc' ? 4317 : 4318}`
  const url = new URL(withScheme(given, otlp.insecure))
  return {
    protocol: otlp.protocol,
    url,
    headers: [...headersList(otlp.headers_list), ...otlp.headers],
    compression: otlp.compression,
    timeoutMs: otlp.timeout || 10_000,
    tls: tlsOf(otlp, url),
    temporality: 'temporality_preference' in otlp ? otlp.temporality_preference : 'cumulative',
  }
}

function tlsOf(otlp: z.output<typeof otlpKeys>, url: URL): ClientTls {
  return clientTlsKeys.parse({
    insecure: url.protocol === 'http:',
    ca_file: url.protocol === 'http:' ? '' : otlp.certificate,
    cert_file: otlp.client_certificate,
    key_file: otlp.client_key,
  })
}

function withScheme(endpoint: string, isInsecure: boolean): string {
  return withHost(/^https?:\/\//.test(endpoint) ? endpoint : `${isInsecure ? 'http' : 'https'}://${endpoint}`)
}

function headersList(text: string): (readonly [string, string])[] {
  return text.split(',').flatMap((pair) => {
    const equals = pair.indexOf('=')
    return equals <= 0 ? [] : [[pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()] as const]
  })
}

export function samplerOf(keys: SamplerKeys | null | undefined): SamplerSettings {
  const ratioOf = (sampler: z.output<typeof leafSampler>, standard: number): number => {
    if (!sampler || sampler.always_on) return sampler ? 1 : standard
    return sampler.always_off ? 0 : (sampler.trace_id_ratio_based?.ratio ?? 1)
  }
  if (keys && !keys.parent_based) {
    const ratio = ratioOf(keys, 1)
    return { root: ratio, remoteSampled: ratio, remoteNotSampled: ratio, localSampled: ratio, localNotSampled: ratio }
  }
  const parent = keys?.parent_based
  return {
    root: ratioOf(parent?.root, 1),
    remoteSampled: ratioOf(parent?.remote_parent_sampled, 1),
    remoteNotSampled: ratioOf(parent?.remote_parent_not_sampled, 0),
    localSampled: ratioOf(parent?.local_parent_sampled, 1),
    localNotSampled: ratioOf(parent?.local_parent_not_sampled, 0),
  }
}
