/** The metrics that the settings ask for, ready to count. */
import type { Key, Value } from '../../pipeline/data/telemetry.ts'
import { key as prepareKey } from '../../pipeline/data/value.ts'
import { compileConditions } from '../../pipeline/ottl/compile.ts'
import { Conditions } from '../../pipeline/ottl/conditions.ts'
import type { Failures } from '../../pipeline/ottl/failures.ts'
import { type Config, type Kind, kinds, type MetricConfig, optionsFor } from './config.ts'

/** A metric that counts. */
export interface Rule {
  readonly name: string
  readonly description: string
  readonly attributes: readonly { readonly key: Key; readonly fallback: Value | undefined }[]
  /** Undefined = everything. */
  readonly conditions: Conditions | undefined
}

export function rulesOf(settings: Config, kind: Kind, failures: Failures): readonly Rule[] {
  const { name, what } = kinds[kind]
  const named = Object.entries(settings[kind])
  // Upstream has the metrics of a kind that is not configured too.
  if (named.length === 0)
    return [{ name, description: `The number of ${what} observed.`, attributes: [], conditions: undefined }]
  return named.map(([own, of]) => ruleOf(own, of, kind, failures))
}

function ruleOf(
  name: string,
  { description, attributes, conditions }: MetricConfig,
  kind: Kind,
  failures: Failures,
): Rule {
  const byKey = new Map(attributes.map(({ key, default_value }) => [key, default_value]))
  return {
    name,
    description,
    attributes: [...byKey].map(([key, fallback]) => ({ key: prepareKey(key), fallback })),
    conditions:
      conditions.length === 0
        ? undefined
        : new Conditions(
            compileConditions(conditions, kinds[kind].context, optionsFor(kind)).items,
            'propagate',
            failures,
          ),
  }
}
