import { z } from 'zod'
import { componentId } from '../../pipeline/config/fields.ts'

export const config = z.strictObject({
  extension: componentId()
    .optional()
    .describe('The flight_recorder extension that keeps what comes; needed only where there are several.'),
})
