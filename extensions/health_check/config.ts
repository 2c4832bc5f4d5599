import { z } from 'zod'
import { optional } from '../../pipeline/config/fields.ts'
import { httpServerShape } from '../../pipeline/net/http-server-keys.ts'

const v2Message =
  'v2 healthcheck configuration (http/grpc fields) detected, which this build does not have. ' +
  'Remove the v2 config fields and use endpoint, path and response_body'
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
    use_v2: z.boolean().default(false).describe('Without effect: there is one form'),
    http: z.unknown().optional().describe('Refused: v2 form'),
    grpc: z.unknown().optional().describe('Refused: v2 form'),
    component_health: z.unknown().optional().describe('Refused: v2 form'),
    ...server,
  })
  .superRefine(({ http, grpc, component_health }, context) => {
    if (http ?? grpc ?? component_health) context.addIssue({ code: 'custom', message: v2Message })
  })
