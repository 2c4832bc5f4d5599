import { z } from 'zod'
import { componentId } from '../../pipeline/config/fields.ts'

export const config = z.strictObject({
  extension: componentId()
    .optional()
    .describe('The feature_store extension that keeps what comes; needed only where there are several.'),
})
