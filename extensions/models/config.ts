import { z } from 'zod'
import { backendNames } from '../../models/runtime/backend.ts'

export const config = z.strictObject({
  backend: z
    .enum(['auto', ...backendNames])
    .default('auto')
    .describe(
      'What computes: `auto` takes the first of the others that works here. A name takes that, or Vigil does not start.',
    ),
  allow_software_gpu: z
    .boolean()
    .default(false)
    .describe('Whether `webgpu` may be a driver that computes on the CPU: slow, for tests.'),
  max_pending_values: z
    .int()
    .min(1_000)
    .default(10_000_000)
    .describe('Numbers that wait for the thread at once, 4 bytes each; whoever brings more computes them itself.'),
  max_models: z.int().min(1).max(10_000).default(1_000).describe('Models that are loaded at once.'),
})
export type Config = z.output<typeof config>
