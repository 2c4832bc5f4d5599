import { z } from 'zod'

export const config = z.strictObject({
  keys: z
    .array(z.string())
    .default([])
    .describe('Attributes that move to the resource; without any, equal resources and scopes become one.'),
})
