import { z } from 'zod'
import { duration, optional } from '../../pipeline/config/fields.ts'
import { grpcServerShape } from '../../pipeline/net/grpc-server-keys.ts'
import { httpServerShape } from '../../pipeline/net/http-server-keys.ts'

const absolutePath = () => z.string().refine((text) => text.startsWith('/'), { error: 'path must start with /' })
const { endpoint: httpEndpoint, ...httpServer } = httpServerShape({ endpoint: 'localhost:13133' })
const { endpoint: grpcEndpoint, ...grpcServer } = grpcServerShape({ endpoint: 'localhost:13132' })

const httpKeys = z.strictObject({
  endpoint: httpEndpoint.refine((text) => text !== '', { error: 'http endpoint required' }),
  status: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Serve the status'),
      path: absolutePath().default('/status').describe('Where'),
      include_attributes: z.boolean().default(false).describe('Accepted: components here report no attributes'),
    })
    .prefault({})
    .describe('State of the engine, with ?verbose of each component, with ?pipeline=id of one pipeline'),
  config: z
    .strictObject({
      enabled: z.boolean().default(false).describe('Serve the configuration, secrets redacted'),
      path: absolutePath().default('/config').describe('Where'),
      include_attributes: z.boolean().default(false).describe('Without effect'),
    })
    .prefault({})
    .describe('The configuration that runs'),
  ...httpServer,
})
const grpcKeys = z.strictObject({
  endpoint: grpcEndpoint.refine((text) => text !== '', { error: 'grpc endpoint required' }),
  ...grpcServer,
})
const componentHealth = z.strictObject({
  include_permanent_errors: z.boolean().default(false).describe('A permanent error is unhealthy'),
  include_recoverable_errors: z.boolean().default(false).describe('So is a recoverable one, after `recovery_duration`'),
  recovery_duration: duration().default(0).describe('How long a recoverable error may last'),
})
export type HttpKeys = z.output<typeof httpKeys>
export type ComponentHealth = z.output<typeof componentHealth>

const { endpoint, ...server } = httpServerShape({ endpoint: 'localhost:13133' })

export const config = z
  .strictObject({
    endpoint: endpoint.refine((text) => text !== '', { error: 'http endpoint required' }),
    path: z
      .string()
      .refine((text) => text.startsWith('/'), { error: 'path must start with /' })
      .default('/')
      .describe('Where the health is; `/` answers every path'),
    response_body: optional(
      z.strictObject({
        healthy: z.string().default('').describe('Body while ready'),
        unhealthy: z.string().default('').describe('Body otherwise'),
      }),
      'off',
    ).describe('Bodies instead of the JSON'),
    check_collector_pipeline: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Without effect'),
        interval: z.string().default('5m').describe('Without effect'),
        exporter_failure_threshold: z.int().default(5).describe('Without effect'),
      })
      .prefault({})
      .describe('Accepted and without effect, as upstream'),
    use_v2: z
      .boolean()
      .default(false)
      .describe('Health by the states of components: `http`, `grpc`, `component_health`'),
    http: optional(httpKeys, 'on').describe('v2 over HTTP'),
    grpc: optional(grpcKeys, 'on').describe('v2 as `grpc.health.v1.Health/Check`'),
    component_health: optional(componentHealth, 'off').describe('v2: which errors count'),
    ...server,
  })
  .superRefine(({ use_v2, http, grpc }, context) => {
    if (use_v2 && !http && !grpc) context.addIssue({ code: 'custom', message: 'must specify at least one protocol' })
  })
