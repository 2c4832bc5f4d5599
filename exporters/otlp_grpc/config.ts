import type { z } from 'zod'
import { grpcClientKeys, parseGrpcEndpoint } from '../../pipeline/net/grpc-client-keys.ts'

export const config = grpcClientKeys.strict().superRefine((settings, context) => {
  const problem = (message: string, path: string[]) => context.addIssue({ code: 'custom', message, path })
  if (settings.endpoint === '') return problem('requires a non-empty "endpoint"', [])
  const target = parseGrpcEndpoint(settings.endpoint)
  if ('problem' in target) problem(target.problem, target.problem.startsWith('requires') ? [] : ['endpoint'])
})
export type Config = z.output<typeof config>
