import { z } from 'zod'
import type { Signal } from '../../pipeline/data/telemetry.ts'
import { compressionProblem, httpClientKeys, isHttpUrl, withHost } from '../../pipeline/net/http-client-keys.ts'

const paths = {
  traces: 'v1/traces',
  metrics: 'v1/metrics',
  logs: 'v1/logs',
  profiles: 'v1development/profiles',
} as const satisfies Record<Signal, string>
const endpointKeys = ['endpoint', 'traces_endpoint', 'metrics_endpoint', 'logs_endpoint', 'profiles_endpoint'] as const

export const config = httpClientKeys
  .extend({
    endpoint: z
      .string()
      .default('')
      .describe(
        'The base URL, or `unix:///path` of a socket; `/v1/traces`, `/v1/metrics` and `/v1/logs` are appended.',
      ),
    traces_endpoint: z
      .string()
      .default('')
      .describe('The whole URL for traces, instead of the one made of `endpoint`.'),
    metrics_endpoint: z.string().default('').describe('The same for metrics.'),
    logs_endpoint: z.string().default('').describe('The same for logs.'),
    profiles_endpoint: z.string().default('').describe('The same for profiles.'),
    encoding: z
      .enum(['proto', 'json'], {
        error: ({ input }) => `invalid encoding type: ${String(input)}; there are proto and json`,
      })
      .default('proto')
      .describe('`proto` or `json`.'),
  })
  .strict()
  .superRefine((settings, context) => {
    const problem = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path })
    if (endpointKeys.every((key) => settings[key] === '')) problem('at least one endpoint must be specified')
    for (const key of endpointKeys) {
      if (settings[key] === '' || isHttpUrl(settings[key]) || (key === 'endpoint' && isUnix(settings[key]))) continue
      problem(`${key} must be a valid URL, starting with http:// or https://`, [key])
    }
    const compression = compressionProblem(settings)
    if (compression !== undefined) problem(compression, ['compression_params'])
  })
export type Config = z.output<typeof config>

export interface Place {
  readonly url: URL
  readonly socketPath: string | undefined
}

/** Undefined where nothing says where this signal goes. */
export function signalPlace(settings: Config, signal: Signal): Place | undefined {
  const own = settings[`${signal}_endpoint`]
  if (own !== '') return { url: new URL(withHost(own)), socketPath: undefined }
  const { endpoint } = settings
  if (endpoint === '') return undefined
  if (isUnix(endpoint)) {
    const socketPath = endpoint.slice('unix://'.length)
    return { url: new URL(`http://localhost/${paths[signal]}`), socketPath }
  }
  const slash = endpoint.endsWith('/') ? '' : '/'
  return { url: new URL(withHost(endpoint) + slash + paths[signal]), socketPath: undefined }
}

function isUnix(endpoint: string): boolean {
  return /^unix:\/\/\/./.test(endpoint)
}
