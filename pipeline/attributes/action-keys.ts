/** One entry of `actions` (processor `attributes`) and of `attributes` (processor `resource`). */
import { z } from 'zod'
import { attributeValue } from '../config/fields.ts'

export const attributeAction = z.strictObject({
  action: z
    .string()
    .default('')
    .describe('`insert`, `update`, `upsert`, `delete`, `hash`, `extract` or `convert`, in any case.'),
  key: z.string().default('').describe('The attribute; `delete` and `hash` may have a `pattern` instead.'),
  value: attributeValue().describe('Sets to this: `1` is an int, `1.0` a double, `"1"` a string.'),
  from_attribute: z.string().default('').describe('Sets to what this attribute is; without it nothing is done.'),
  from_context: z
    .string()
    .default('')
    .describe(
      'Sets to what the sender told: `metadata.<name>` (several values joined by `;`), `auth.<attribute>` or `client.address`.',
    ),
  default_value: attributeValue().describe('Sets to this where the source has nothing.'),
  pattern: z
    .string()
    .default('')
    .describe('`extract`: an RE2 pattern whose groups are all named; `delete`, `hash`: of the names that are meant.'),
  converted_type: z.string().default('').describe('`convert`: `int`, `double` or `string`.'),
})
export type AttributeAction = z.output<typeof attributeAction>
