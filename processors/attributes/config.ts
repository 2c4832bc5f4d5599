import { z } from 'zod'
import { attributeAction } from '../../pipeline/attributes/action-keys.ts'
import { matchKeys } from '../../pipeline/filterset/match-keys.ts'

export const config = z
  .strictObject({
    ...matchKeys,
    actions: z.array(attributeAction).default([]).describe('What is done to the attributes, in order.'),
  })
  .superRefine(({ actions }, context) => {
    if (actions.length === 0) context.addIssue({ code: 'custom', message: 'missing required field "actions"' })
  })
