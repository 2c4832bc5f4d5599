/** A few component types for the tests of this folder: the keys of upstream's, and nothing behind them. */
import { z } from 'zod'
import {
  defineConnector,
  defineExporter,
  defineExtension,
  defineProcessor,
  defineReceiver,
  type Factory,
  type Kind,
} from '../component.ts'
import type { Catalog, CatalogEntry, Config } from './config.ts'
import { type DecodeOptions, decodeConfig } from './decode.ts'
import { byteSize, componentId, duration, headers, level, list, optional, secret } from './fields.ts'
import { type LoadOptions, loadConfig } from './load.ts'

const all = { traces: 'stable', metrics: 'stable', logs: 'stable' } as const
const grpc = z.strictObject({
  endpoint: z.string().default('localhost:4317'),
  max_recv_msg_size_mib: z.int().default(0),
})
const http = z.strictObject({ endpoint: z.string().default('localhost:4318'), timeout: duration().default(0) })

const factories: readonly Factory[] = [
  defineReceiver({ type: 'nop', config: z.strictObject({}), signals: all, create: () => ({}) }),
  defineReceiver({
    type: 'otlp',
    config: z.strictObject({
      protocols: z
        .strictObject({ grpc: optional(grpc, 'on'), http: optional(http, 'on') })
        .refine((p) => p.grpc ?? p.http, 'must specify at least one protocol when using the OTLP receiver')
        .prefault({}),
    }),
    signals: all,
    create: () => ({}),
  }),
  defineProcessor({ type: 'nop', config: z.strictObject({}), signals: all, create: () => ({}) }),
  defineProcessor({
    type: 'batch',
    config: z
      .strictObject({
        timeout: duration()
          .refine((ms) => ms >= 0, 'timeout must be greater or equal to 0')
          .default(200),
        send_batch_size: z.int().nonnegative().default(8192).describe('How many items make a batch.'),
        send_batch_max_size: z.int().nonnegative().default(0),
        metadata_keys: list(z.string()).default([]),
      })
      .refine(
        (c) => c.send_batch_max_size === 0 || c.send_batch_max_size >= c.send_batch_size,
        'send_batch_max_size must be greater or equal to send_batch_size',
      ),
    signals: all,
    create: () => ({}),
  }),
  defineExporter({ type: 'nop', config: z.strictObject({}), signals: all, sending: none(), create: () => ({}) }),
  defineExporter({
    type: 'debug',
    config: z.strictObject({
      verbosity: level(['basic', 'normal', 'detailed']).default('basic'),
      use_internal_logger: z.boolean().default(true),
    }),
    signals: all,
    sending: none(),
    create: () => ({}),
  }),
  defineExporter({
    type: 'otlp_grpc',
    aliases: ['otlp'],
    config: z.strictObject({
      endpoint: z
        .string()
        .default('')
        .refine((e) => e !== '', 'requires a non-empty "endpoint"'),
      compression: z
        .enum(['gzip', 'none', ''], { error: ({ input }) => `unsupported compression type ${JSON.stringify(input)}` })
        .default('gzip'),
      headers: headers(),
      tls: optional(z.strictObject({ insecure: z.boolean().default(false), key_pem: secret().default('') }), 'off'),
      auth: optional(z.strictObject({ authenticator: componentId() }), 'off'),
      max_message_size: byteSize().default(4096),
      ratio: z.number().min(0).max(1).default(1),
    }),
    signals: all,
    sending: { queue: true, retry: true, timeoutMs: 5_000 },
    create: () => ({}),
  }),
  defineConnector({
    type: 'nop',
    config: z.strictObject({}),
    signals: { 'traces to traces': 'development' },
    create: () => ({}),
  }),
  defineConnector({
    type: 'forward',
    config: z.strictObject({}),
    signals: { 'traces to traces': 'beta', 'logs to logs': 'beta' },
    create: () => ({}),
  }),
  defineExtension({ type: 'nop', config: z.strictObject({}), signals: { extension: 'stable' }, create: () => ({}) }),
  defineExtension({
    type: 'zpages',
    config: z.strictObject({ endpoint: z.string().default('localhost:55679') }),
    signals: { extension: 'beta' },
    create: () => ({}),
  }),
]

function none() {
  return { queue: false, retry: false, timeoutMs: 0 }
}

export function catalogOf(components: readonly Factory[]): Catalog {
  const plain = (type: string) => type.replaceAll('_', '')
  const entries = components.map(
    (factory): CatalogEntry => ({
      kind: factory.kind,
      type: factory.type,
      aliases: factory.aliases,
      module: `${factory.kind}s/${factory.type}`,
      load: () => Promise.resolve(factory),
    }),
  )
  const ofKind = (kind: Kind) => entries.filter((entry) => entry.kind === kind)
  return {
    entries: ofKind,
    find: (kind, type) =>
      ofKind(kind).find((entry) => [entry.type, ...entry.aliases].some((one) => plain(one) === plain(type))),
  }
}
export const catalog: Catalog = catalogOf(factories)

/** `yaml` as the file `c.yaml` of an empty folder would give it. */
export async function decode(
  yaml: string,
  load: Partial<LoadOptions> = {},
  options: DecodeOptions = {},
): Promise<Config> {
  const tree = await loadConfig({ uris: [`yaml:${yaml}`], env: {}, ...load })
  return decodeConfig(tree, catalog, options)
}
