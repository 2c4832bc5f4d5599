/** The metrics that the settings ask for, ready to add. */
import type { Key, Value } from '../../pipeline/data/telemetry.ts'
import { isDouble, key as prepareKey } from '../../pipeline/data/value.ts'
import { type Grouping, groupingOf } from '../../pipeline/derived-config.ts'
import type { Failures } from '../../pipeline/ottl/failures.ts'
import { type Config, type Kind, languageOf } from './config.ts'

export interface Rule extends Grouping {
  readonly name: string
  readonly description: string
  readonly source: Key
}

export function rulesOf(settings: Config, kind: Kind, failures: Failures): readonly Rule[] {
  return Object.entries(settings[kind]).map(([name, of]) => ({
    name,
    description: of.description,
    source: prepareKey(of.source_attribute),
    ...groupingOf(of, languageOf(kind), failures, fallbackOf),
  }))
}

/** As upstream: only these types, and their zero is none. */
function fallbackOf(value: Value | undefined): Value | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (typeof value === 'number') return value === 0 ? undefined : value
  if (typeof value === 'bigint') return value
  return isDouble(value) && value.double !== 0 ? value : undefined
}
