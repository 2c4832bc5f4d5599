/** The metrics that the settings ask for, compiled. */
import { compileValue, type ErrorMode } from '../../pipeline/ottl/compile.ts'
import { type Conditions, conditionsOf } from '../../pipeline/ottl/conditions.ts'
import type { Failures } from '../../pipeline/ottl/failures.ts'
import type { Frame } from '../../pipeline/ottl/frame.ts'
import { toNumber } from '../../pipeline/ottl/values.ts'
import { numberOf, type Observation } from './accumulators.ts'
import { AttributePicks } from './attributes.ts'
import type { Config, MetricConfig } from './config.ts'
import { contexts, type Kind, optionsOf } from './language.ts'

export interface Definition {
  /** Definitions of equal identity are one metric. */
  readonly identity: string
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly type: 'sum' | 'gauge' | 'histogram' | 'exponential_histogram'
  readonly monotonic: boolean
  readonly buckets: readonly number[]
  readonly maxSize: number
  readonly attributes: AttributePicks
  readonly resourceAttributes: AttributePicks
  /** Undefined = everything. */
  readonly conditions: Conditions | undefined
  /** Undefined = nothing to record. Throws what OTTL throws. */
  readonly observe: (frame: Frame) => Observation | undefined
}

const defaultBuckets = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000]

export function definitionsOf(settings: Config, kind: Kind, failures: Failures): readonly Definition[] {
  return settings[kind].map((one) => definitionOf(one, kind, settings.error_mode, failures))
}

function definitionOf(one: MetricConfig, kind: Kind, errorMode: ErrorMode, failures: Failures): Definition {
  const { name, description, unit, sum, gauge, histogram, exponential_histogram } = one
  const type = sum ? 'sum' : gauge ? 'gauge' : histogram ? 'histogram' : 'exponential_histogram'
  const buckets = histogram?.buckets ?? []
  return {
    identity: JSON.stringify([name, type, unit, description]),
    name,
    description,
    unit,
    type,
    monotonic: sum?.monotonic ?? false,
    buckets: buckets.length === 0 ? defaultBuckets : buckets,
    maxSize: exponential_histogram?.max_size ?? 0,
    attributes: new AttributePicks(one.attributes, kind),
    resourceAttributes: new AttributePicks(one.include_resource_attributes, kind),
    conditions: conditionsOf(one.conditions, { context: contexts[kind], options: optionsOf }, errorMode, failures),
    observe: observer(one, kind),
  }
}

function observer({ sum, gauge, histogram, exponential_histogram }: MetricConfig, kind: Kind) {
  const compiled = (text: string) => compileValue(text, contexts[kind], optionsOf).get
  if (sum) {
    const get = compiled(sum.value)
    return (frame: Frame) => ({ value: numberOf(get(frame), 'sum'), count: 1 })
  }
  if (gauge) {
    const get = compiled(gauge.value)
    return (frame: Frame) => measured(get, frame)
  }
  const { value, count } = (histogram ?? exponential_histogram)!
  const get = compiled(value)
  const getCount = count === '' ? undefined : compiled(count)
  return (frame: Frame) => {
    const number = numberOf(get(frame), 'value')
    const times = getCount === undefined ? 1 : Math.trunc(toNumber(numberOf(getCount(frame), 'count')))
    if (times < 0) throw new Error(`the count is ${times}, less than 0`)
    if (exponential_histogram && !Number.isFinite(toNumber(number)))
      throw new Error(`an exponential histogram has no bucket for ${toNumber(number)}`)
    return times === 0 ? undefined : { value: number, count: times }
  }
}

/** An item of which the pattern finds nothing has no value. */
function measured(get: (frame: Frame) => Parameters<typeof numberOf>[0], frame: Frame): Observation | undefined {
  try {
    const value = get(frame)
    return value === null ? undefined : { value: numberOf(value, 'gauge'), count: 1 }
  } catch (error) {
    if (error instanceof Error && error.message.includes('key not found in map')) return undefined
    throw error
  }
}
