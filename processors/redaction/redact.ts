/** Deletes and masks attributes, and what stands in the body of a log record. */
import { put } from '../../pipeline/data/any-value.ts'
import type { EditableAttributes, Value } from '../../pipeline/data/telemetry.ts'
import { asText, kindOf } from '../../pipeline/ottl/values.ts'
import type { Config } from './config.ts'
import { compileRules, type Rules } from './rules.ts'
import { isSummary, newOutcome, type Outcome, Summary } from './summary.ts'

export class Redaction {
  private readonly rules: Rules
  private readonly summary: Summary
  private readonly readsAllTypes: boolean

  constructor(settings: Config) {
    this.rules = compileRules(settings)
    this.summary = new Summary(settings.summary)
    this.readsAllTypes = settings.redact_all_types
  }

  attributes(attributes: EditableAttributes): void {
    const { rules } = this
    const done = newOutcome()
    // Collected first: what is changed while it is walked may be met again.
    const all = Array.from(attributes.entries())
    for (const [key, value] of all) {
      if (isSummary(key)) {
        if (!this.summary.isOn && rules.isRedacted(key)) done.redacted.push(key)
      } else if (rules.isIgnored(key)) done.ignored.push(key)
      else if (rules.isRedacted(key)) done.redacted.push(key)
      else {
        const text = typeof value === 'string' ? value : this.readsAllTypes ? asText(value) : ''
        if (rules.isAllowed(text)) done.allowed.push(key)
        else {
          const isBlocked = rules.isBlocked(key)
          const now = isBlocked ? rules.mask(text) : rules.cleaned(text)
          if (!isBlocked && now === text) continue
          done.masked.push(key)
          attributes.set(key, now)
        }
      }
    }
    for (const key of done.redacted) attributes.delete(key)
    this.summary.write(attributes, done, 'redaction.')
  }

  /** Answers the body, itself where nothing changes; what was done is said in the record's attributes. */
  body(body: Value, attributes: EditableAttributes): Value {
    const done = newOutcome()
    const now = this.inside(body, '', 'body', done)
    this.summary.write(attributes, done, 'redaction.body.')
    return now
  }

  /** `path` is empty at the top, whose own name is `name`. */
  private inside(value: Value, path: string, name: string, done: Outcome): Value {
    switch (kindOf(value)) {
      case 'map':
        return this.map(value as { readonly [key: string]: Value }, path, done)
      case 'list': {
        const items = value as readonly Value[]
        const now = items.map((item, i) => {
          const at = path === '' ? `[${i}]` : `${path}.[${i}]`
          return this.inside(item, at, at, done)
        })
        return now.every((item, i) => item === items[i]) ? value : now
      }
      default: {
        const text = asText(value)
        if (this.rules.isAllowed(text)) {
          done.allowed.push(name)
          return value
        }
        const now = this.rules.cleaned(text)
        if (now === text) return value
        done.masked.push(name)
        return now
      }
    }
  }

  private map(map: { readonly [key: string]: Value }, path: string, done: Outcome): Value {
    const { rules } = this
    const redacted: string[] = []
    const now: { [key: string]: Value } = {}
    let isChanged = false
    for (const [key, value] of Object.entries(map)) {
      const at = path === '' ? key : `${path}.${key}`
      let item = value
      if (rules.isIgnored(key)) done.ignored.push(at)
      else if (rules.isRedacted(key)) {
        redacted.push(at)
        continue
      } else if (rules.isBlocked(key)) {
        done.masked.push(at)
        item = rules.mask(typeof value === 'string' ? value : '')
      } else item = this.inside(value, at, at, done)
      if (item !== value) isChanged = true
      put(now, key, item)
    }
    done.redacted.push(...redacted)
    return isChanged || redacted.length > 0 ? now : map
  }
}
