/** Adds up items of one kind in one resource: by metric, and in it by the values of its attributes. */
import type { MetricsBuilder } from '../../pipeline/data/builders.ts'
import { valueText } from '../../pipeline/data/identity.ts'
import type { Attributes, Key, Value } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import type { Derived } from '../../pipeline/derived-metrics.ts'
import type { Frame } from '../../pipeline/ottl/frame.ts'
import { numberOf, textOf } from './numbers.ts'
import type { Rule } from './rules.ts'

interface Group {
  readonly values: readonly Value[]
  sum: number
}

export class Sums implements Derived {
  private readonly rules: readonly Rule[]
  private readonly byRule: Map<string, Group>[]

  constructor(rules: readonly Rule[]) {
    this.rules = rules
    this.byRule = rules.map(() => new Map<string, Group>())
  }

  get isEmpty(): boolean {
    return this.byRule.every((groups) => groups.size === 0)
  }

  /** `frame` stands on the item. Throws what a condition throws. */
  add(attributes: Attributes | undefined, frame: Frame): void {
    for (let r = 0; r < this.rules.length; r++) {
      const { source, attributes: wanted, conditions } = this.rules[r]!
      const values: Value[] = []
      let id = ''
      for (const { key, fallback } of wanted) {
        const value = valueFor(key, fallback, attributes)
        if (value === undefined) break
        values.push(value)
        id += valueText(value)
      }
      if (values.length < wanted.length) continue
      if (conditions !== undefined && !conditions.test(frame)) continue
      const groups = this.byRule[r]!
      let group = groups.get(id)
      if (group === undefined) groups.set(id, (group = { values, sum: 0 }))
      const number = numberOf(attributes?.get(source))
      // Once for each attribute, as upstream has it.
      for (let times = Math.max(1, values.length); times > 0; times--) group.sum += number
    }
  }

  writeTo(builder: MetricsBuilder, timeUnixNano: bigint): void {
    for (const [r, { name, description, attributes: keys }] of this.rules.entries()) {
      const groups = this.byRule[r]!
      if (groups.size === 0) continue
      const points = Array.from(groups.values(), ({ values, sum }) => ({
        value: double(sum),
        timeUnixNano,
        attributes: Object.fromEntries(keys.map(({ key }, i) => [key.name, values[i]!])),
      }))
      builder.sum(name, points, { description, temporality: 'delta', monotonic: true })
    }
  }
}

function valueFor(key: Key, fallback: Value | undefined, attributes: Attributes | undefined): Value | undefined {
  const value = attributes?.get(key)
  return value === undefined ? fallback : textOf(value)
}
