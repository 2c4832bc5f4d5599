import { z } from 'zod'
import { httpServerShape } from '../../pipeline/net/http-server-keys.ts'

const { endpoint, ...server } = httpServerShape({ endpoint: 'localhost:55679' })

export const config = z.strictObject({
  endpoint: endpoint.refine((text) => text !== '', {
    error: '"endpoint" is required when using the "zpages" extension',
  }),
  expvar: z
    .strictObject({ enabled: z.boolean().default(false).describe('Serve /debug/expvarz') })
    .prefault({})
    .describe('Process variables as JSON'),
  ...server,
})
