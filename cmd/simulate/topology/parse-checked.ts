/** A YAML file by its schema: every problem at once, each at its place. */
import type { z } from 'zod'
import { coerceSection } from '../../../pipeline/config/coerce.ts'
import { ConfigError } from '../../../pipeline/config/config.ts'
import { fieldSchema } from '../../../pipeline/config/field-schema.ts'
import { parse } from '../../../pipeline/config/issues.ts'
import { parseYaml } from '../../../pipeline/config/parse-yaml.ts'
import { Problems } from '../../../pipeline/config/problems.ts'

export type Problem = readonly [path: readonly (string | number)[], message: string]

/** `check` finds what a schema cannot say. Throws a `ConfigError`. */
export function parseChecked<S extends z.ZodType>(
  text: string,
  source: string,
  schema: S,
  check: (made: z.output<S>) => Iterable<Problem> = () => [],
): z.output<S> {
  const parsed = parseYaml(text, source)
  if ('problems' in parsed) throw new ConfigError(parsed.problems)
  const problems = new Problems({ isChecked: true })
  const { node } = parsed
  const input = coerceSection(node, fieldSchema(schema), [], '', problems)
  const made = parse(schema, input, { path: [], node, key: node.position }, problems)
  if (made !== undefined) for (const [path, message] of check(made.output)) problems.add(path, message, node.position)
  problems.throwIfAny()
  if (made === undefined) throw new Error(`${source} was refused without a reason`)
  return made.output
}
