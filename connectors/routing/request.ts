/** Conditions on the metadata of a request, `request["tenant"] == "acme"`: the older form of `otelcol.client.metadata["tenant"]`. */
import type { Origin } from '../../pipeline/data/telemetry.ts'

export interface RequestCondition {
  /** In lower case. */
  readonly name: string
  /** Whether one of its values is, or is not, what the condition wants. */
  holds(origin: Origin): boolean
}

/** In upstream's words: what is wrong with it. */
export function parseRequestCondition(text: string): RequestCondition | { readonly problem: string } {
  const comparators = text.match(/==|!=/g) ?? []
  const [comparator] = comparators
  if (comparator === undefined) return { problem: 'condition does not contain a valid comparator' }
  if (comparators.length > 1) return { problem: 'condition contains multiple comparators' }
  const [left = '', right = ''] = text.split(comparator).map((side) => side.trim())
  if (!/request\[".*"\]/.test(left))
    return { problem: `condition must have format 'request["<name>"] <comparator> <value>'` }
  if (!/".*"/.test(right)) return { problem: `condition must have format 'request["<name>"] <comparator> "<value>"'` }
  const name = left
    .replace(/^request\["/, '')
    .replace(/"\]$/, '')
    .toLowerCase()
  const wanted = right.replace(/^"/, '').replace(/"$/, '')
  const isWanted = comparator === '==' ? (value: string) => value === wanted : (value: string) => value !== wanted
  return { name, holds: ({ metadata }) => metadata.get(name)?.some(isWanted) ?? false }
}
