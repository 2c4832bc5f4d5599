/** A diagnosis in sentences, for people. It adds nothing to the diagnosis: every entity, number and cause of it is the diagnosis's own. */
import { z } from 'zod'

export const narrativeSchema = z.strictObject({
  text: z.string().min(1),
  language: z.string().describe('Of the text, as BCP 47 says: `en`, `de`.'),
  by: z.enum(['model', 'rules']).describe('Whose sentences they are; they say the same.'),
  reason: z.string().optional().describe('Why they are not those of a model.'),
})
export type Narrative = z.output<typeof narrativeSchema>
