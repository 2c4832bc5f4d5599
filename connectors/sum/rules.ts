/** The metrics that the settings ask for, ready to add. */
import type { Key, Value } from '../../pipeline/data/telemetry.ts'
import { isDouble, key as prepareKey } from '../../pipeline/data/value.ts'
import { compileConditions } from '../../pipeline/ottl/compile.ts'
import { Conditions } from '../../pipeline/ottl/conditions.ts'
import type { Failures } from '../../pipeline/ottl/failures.ts'
import { hasOnDatapoint } from '../../pipeline/ottl/functions/datapoints.ts'
import { type Config, contexts, type Kind } from './config.ts'

export interface Rule {
  readonly name: string
  readonly description: string
  readonly source: Key
  readonly attributes: readonly { readonly key: Key; readonly fallback: Value | undefined }[]
  /** Undefined = everything. */
  readonly conditions: Conditions | undefined
}

export function rulesOf(settings: Config, kind: Kind, failures: Failures): readonly Rule[] {
  return Object.entries(settings[kind]).map(([name, { description, source_attribute, attributes, conditions }]) => {
    const byKey = new Map(attributes.map(({ key, default_value }) => [key, default_value]))
    return {
      name,
      description,
      source: prepareKey(source_attribute),
      attributes: [...byKey].map(([key, value]) => ({ key: prepareKey(key), fallback: fallbackOf(value) })),
      conditions:
        conditions.length === 0
          ? undefined
          : new Conditions(
              compileConditions(conditions, contexts[kind], { functions: hasOnDatapoint }).items,
              'propagate',
              failures,
            ),
    }
  })
}

/** As upstream: only these types, and their zero is none. */
function fallbackOf(value: Value | undefined): Value | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (typeof value === 'number') return value === 0 ? undefined : value
  if (typeof value === 'bigint') return value
  return isDouble(value) && value.double !== 0 ? value : undefined
}
