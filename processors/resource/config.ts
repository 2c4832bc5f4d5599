import { z } from 'zod'
import { attributeAction } from '../../pipeline/attributes/action-keys.ts'

export const config = z
  .strictObject({
    attributes: z.array(attributeAction).default([]).describe("What is done to the resource's attributes, in order."),
  })
  .superRefine(({ attributes }, context) => {
    if (attributes.length === 0) context.addIssue({ code: 'custom', message: 'missing required field "attributes"' })
  })
