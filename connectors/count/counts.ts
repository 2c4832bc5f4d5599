/** Counts items of one kind in one resource: by metric, and in it by the values of its attributes. */
import type { MetricsBuilder } from '../../pipeline/data/builders.ts'
import { valueText } from '../../pipeline/data/identity.ts'
import type { Attributes, In, Key, Value } from '../../pipeline/data/telemetry.ts'
import type { Derived } from '../../pipeline/derived-metrics.ts'
import type { Frame } from '../../pipeline/ottl/frame.ts'
import type { Rule } from './rules.ts'

type Own = Pick<Attributes, 'get'>
interface Group {
  readonly values: readonly Value[]
  count: number
}

export class Counts implements Derived {
  private readonly rules: readonly Rule[]
  private readonly byRule: Map<string, Group>[]
  private firstUnixNano = 0n
  private lastUnixNano = 0n

  constructor(rules: readonly Rule[]) {
    this.rules = rules
    this.byRule = rules.map(() => new Map<string, Group>())
  }

  get isEmpty(): boolean {
    return this.byRule.every((groups) => groups.size === 0)
  }

  /** All items tell when they were, counted or not. */
  saw(unixNano: bigint): void {
    if (unixNano === 0n) return
    if (this.firstUnixNano === 0n) {
      this.firstUnixNano = unixNano
      this.lastUnixNano = unixNano
    } else if (unixNano < this.firstUnixNano) this.firstUnixNano = unixNano
    else if (unixNano > this.lastUnixNano) this.lastUnixNano = unixNano
  }

  /** `frame` stands on the item. Throws what a condition throws. */
  count(attributes: Own | undefined, place: In, frame: Frame): void {
    for (let r = 0; r < this.rules.length; r++) {
      const { attributes: wanted, conditions } = this.rules[r]!
      const values: Value[] = []
      let id = ''
      for (const { key, fallback } of wanted) {
        const value = attributeOf(key, fallback, attributes, place)
        if (value === undefined) break
        values.push(value)
        id += valueText(value)
      }
      if (values.length < wanted.length) continue
      if (conditions !== undefined && !conditions.test(frame)) continue
      const groups = this.byRule[r]!
      const group = groups.get(id)
      if (group === undefined) groups.set(id, { values, count: 1 })
      else group.count++
    }
  }

  /** `nowUnixNano` is for items that have no time. */
  writeTo(builder: MetricsBuilder, nowUnixNano: bigint): void {
    const isTimed = this.firstUnixNano !== 0n
    const startUnixNano = isTimed ? this.firstUnixNano : nowUnixNano
    const timeUnixNano = isTimed ? this.lastUnixNano : nowUnixNano
    for (const [r, { name, description, attributes: keys }] of this.rules.entries()) {
      const groups = this.byRule[r]!
      if (groups.size === 0) continue
      const points = Array.from(groups.values(), ({ values, count }) => ({
        value: count,
        startUnixNano,
        timeUnixNano,
        attributes: Object.fromEntries(keys.map(({ key }, i) => [key.name, values[i]!])),
      }))
      builder.sum(name, points, { description, temporality: 'delta', monotonic: true })
    }
  }
}

/** Of the item, else of its scope, else of its resource. One that is there and empty is null, and counts as there. */
function attributeOf(key: Key, fallback: Value | undefined, own: Own | undefined, place: In): Value | undefined {
  let value = own?.get(key)
  if (value === undefined) value = place.scope.attributes.get(key)
  if (value === undefined) value = place.resource.attributes.get(key)
  return value === undefined ? fallback : value
}
