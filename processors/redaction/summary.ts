/** The attributes that say what was done; a chain of processors adds up in them. */
import type { EditableAttributes } from '../../pipeline/data/telemetry.ts'
import { compareText, kindOf } from '../../pipeline/ottl/values.ts'

/** Names of what was done to attributes or, with paths, inside a body. */
export interface Outcome {
  readonly redacted: string[]
  readonly masked: string[]
  readonly allowed: string[]
  readonly ignored: string[]
}
export function newOutcome(): Outcome {
  return { redacted: [], masked: [], allowed: [], ignored: [] }
}

const prefixes = ['redaction.', 'redaction.body.'] as const
const own = new Set(
  prefixes.flatMap((prefix) => [
    ...['redacted', 'masked', 'allowed'].flatMap((done) => [`${prefix}${done}.keys`, `${prefix}${done}.count`]),
    `${prefix}ignored.count`,
  ]),
)

export function isSummary(key: string): boolean {
  return own.has(key)
}

export class Summary {
  readonly isOn: boolean
  private readonly hasNames: boolean

  constructor(level: string) {
    this.isOn = level === 'debug' || level === 'info'
    this.hasNames = level === 'debug'
  }

  write(attributes: EditableAttributes, outcome: Outcome, prefix: (typeof prefixes)[number]): void {
    if (!this.isOn) return
    this.add(attributes, outcome.redacted, `${prefix}redacted`, true)
    this.add(attributes, outcome.masked, `${prefix}masked`, true)
    this.add(attributes, outcome.allowed, `${prefix}allowed`, false)
    this.add(attributes, outcome.ignored, `${prefix}ignored`, false)
  }

  private add(attributes: EditableAttributes, keys: readonly string[], name: string, addsUp: boolean): void {
    // Ignored attributes are counted and never named.
    const names = name.endsWith('ignored') ? undefined : `${name}.keys`
    const count = `${name}.count`
    if (keys.length === 0) {
      if (addsUp) return
      if (names !== undefined) attributes.delete(names)
      attributes.delete(count)
      return
    }
    if (this.hasNames && names !== undefined) {
      const before = addsUp ? attributes.get(names) : undefined
      const all = typeof before === 'string' && before !== '' ? [...keys, ...before.split(',')] : [...keys]
      attributes.set(names, all.sort(compareText).join(','))
    }
    const before = addsUp ? attributes.get(count) : undefined
    attributes.set(count, keys.length + (before !== undefined && kindOf(before) === 'int' ? Number(before) : 0))
  }
}
