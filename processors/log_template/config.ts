import { z } from 'zod'
import { componentId, duration, list } from '../../pipeline/config/fields.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Regex } from '../../pipeline/ottl/regex.ts'

const withoutEffect = 'Of the tree that upstream keeps; checked as there, and changes nothing here.'

const maskingRule = z.strictObject({
  name: z
    .string()
    .default('')
    .describe('What stands for a match in the template, in angle brackets: `ip` gives `<ip>`.'),
  pattern: z.string().default('').describe('An RE2 pattern; all its matches are masked.'),
})

export const config = z
  .strictObject({
    body_field: z
      .string()
      .default('')
      .describe(
        'The key of a body that is a map, or a JSON object as text, under which the message stands. Empty: the first of `message`, `msg`, `log` and `event` that is a text, else all of the body.',
      ),
    attribute: z
      .string()
      .default('')
      .describe('Takes the text from this attribute instead of the body; a record without it has its body taken.'),
    template_attribute: z
      .string()
      .optional()
      .describe(
        'The attribute that gets the template. Default `log.template`; under the name `drain` `log.record.template`.',
      ),
    id_attribute: z
      .string()
      .optional()
      .describe(
        'The attribute that gets its id; empty = none. Default `log.template.id`; under the name `drain` none.',
      ),
    emit_wildcards: z
      .boolean()
      .default(false)
      .describe('Sets `wildcards_attribute` to what stood at the variables, in order.'),
    wildcards_attribute: z
      .string()
      .optional()
      .describe('Default `log.template.parameters`; under the name `drain` `log.record.template.wildcards`.'),
    masking_rules: z
      .array(maskingRule)
      .default([])
      .describe('Masked before the template is looked for, in this order, each in what the one before left.'),
    parameter_key_prefix: z
      .string()
      .default('log.record.template.parameter')
      .describe(
        'What a rule masked goes into the attribute `<parameter_key_prefix>.<name>`; of several matches the last.',
      ),
    extra_delimiters: list(z.string()).default([]).describe('Texts that divide words as a space does.'),
    max_clusters: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(10_000)
      .describe('How many templates are kept; for one more, one that was not seen for long is forgotten. 0 is 10000.'),
    min_values: z
      .int()
      .min(2)
      .max(1_000)
      .default(6)
      .describe(
        'So many different words in one place of otherwise equal lines are a variable; in lines of three words or less twice as many.',
      ),
    seed_templates: list(z.string())
      .default([])
      .describe('Templates that are known from the start, with `<*>` for variables.'),
    seed_logs: list(z.string()).default([]).describe('Lines that are taken in at the start.'),
    warmup_min_clusters: z.int().default(0).describe('Records go on without a template until so many are known.'),
    storage: componentId()
      .optional()
      .describe('A storage extension that keeps the templates over restarts; seeds are then for the first start.'),
    save_interval: duration()
      .optional()
      .describe(
        'How often they are stored, beside at the end; 0 = at the end only. Default 1m where there is a `storage`.',
      ),
    tree_depth: z.int().default(4).describe(withoutEffect),
    merge_threshold: z.number().default(0.4).describe(withoutEffect),
    max_node_children: z.int().default(100).describe(withoutEffect),
  })
  .superRefine((settings, context) => {
    const problem = (message: string, path: (string | number)[] = []) =>
      context.addIssue({ code: 'custom', message, path })
    const { tree_depth, merge_threshold, warmup_min_clusters, save_interval, storage, masking_rules } = settings
    if (tree_depth < 3) problem(`tree_depth must be >= 3, got ${tree_depth}`)
    if (!(merge_threshold >= 0 && merge_threshold <= 1))
      problem(`merge_threshold must be in [0.0, 1.0], got ${merge_threshold.toFixed(6)}`)
    if (warmup_min_clusters < 0) problem(`warmup_min_clusters must be >= 0, got ${warmup_min_clusters}`)
    if (warmup_min_clusters > templateLimit(settings.max_clusters))
      problem(
        `warmup_min_clusters must be at most max_clusters (${templateLimit(settings.max_clusters)}): no record would ever get a template`,
      )
    if (save_interval !== undefined && save_interval < 0) problem('save_interval must be >= 0')
    if (save_interval !== undefined && save_interval > 0 && storage === undefined)
      problem('save_interval requires storage to be set')
    for (const [i, rule] of masking_rules.entries()) {
      const wrong = wrongRule(rule)
      if (wrong !== undefined) problem(`masking_rules[${i}]: ${wrong}`, ['masking_rules', i])
    }
  })
export type Config = z.output<typeof config>

/** Upstream's 0 has no limit; here everything has one. */
export function templateLimit(maxClusters: number): number {
  return maxClusters === 0 ? 10_000 : maxClusters
}

function wrongRule({ name, pattern }: z.output<typeof maskingRule>): string | undefined {
  if (name === '') return 'name must not be empty'
  if (name === '*') return `name must not be "*" (reserved for Drain's wildcard)`
  if (/[<> \t\n\r]/.test(name)) return `name ${JSON.stringify(name)} must not contain angle brackets or whitespace`
  if (pattern === '') return 'pattern must not be empty'
  try {
    new Regex(pattern)
  } catch (error) {
    return `pattern ${JSON.stringify(pattern)} is not a valid regexp: ${errorMessage(error)}`
  }
  return undefined
}
