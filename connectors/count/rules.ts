/** The metrics that the settings ask for, ready to count. */
import { type Grouping, groupingOf } from '../../pipeline/derived-config.ts'
import type { Failures } from '../../pipeline/ottl/failures.ts'
import { type Config, type Kind, kinds, languageOf } from './config.ts'

/** A metric that counts. */
export interface Rule extends Grouping {
  readonly name: string
  readonly description: string
}

export function rulesOf(settings: Config, kind: Kind, failures: Failures): readonly Rule[] {
  const { name, what } = kinds[kind]
  const named = Object.entries(settings[kind])
  // Upstream has the metrics of a kind that is not configured too.
  if (named.length === 0)
    return [{ name, description: `The number of ${what} observed.`, attributes: [], conditions: undefined }]
  return named.map(([own, of]) => ({
    name: own,
    description: of.description,
    ...groupingOf(of, languageOf(kind), failures),
  }))
}
