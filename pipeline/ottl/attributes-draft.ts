/** Attributes that can be set although the handle below is read-only: what was written lies over what stands there. */
import type { Attributes, EditableAttributes, Key, Value, ValueType } from '../data/telemetry.ts'
import { kindOf } from './values.ts'

export class AttributesDraft implements EditableAttributes {
  private readonly of: Attributes
  /** undefined for a deleted one. */
  private readonly changes = new Map<string, Value | undefined>()

  constructor(of: Attributes) {
    this.of = of
  }

  get isChanged(): boolean {
    return this.changes.size > 0
  }

  get size(): number {
    let size = 0
    for (const _ of this.entries()) size++
    return size
  }

  get(key: Key | string): Value | undefined {
    const name = nameOf(key)
    return this.changes.has(name) ? this.changes.get(name) : this.of.get(key)
  }

  has(key: Key | string): boolean {
    const name = nameOf(key)
    return this.changes.has(name) ? this.changes.get(name) !== undefined : this.of.has(key)
  }

  type(key: Key | string): ValueType | undefined {
    const name = nameOf(key)
    if (!this.changes.has(name)) return this.of.type(key)
    const value = this.changes.get(name)
    if (value === undefined) return undefined
    const kind = kindOf(value)
    return kind === 'nil' ? 'empty' : kind === 'list' ? 'array' : (kind as ValueType)
  }

  *entries(): Iterable<[string, Value]> {
    const seen = new Set<string>()
    for (const entry of this.of.entries()) {
      const [name] = entry
      if (!this.changes.has(name)) yield entry
      else if (!seen.has(name)) {
        const value = this.changes.get(name)
        if (value !== undefined) yield [name, value]
      }
      seen.add(name)
    }
    for (const [name, value] of this.changes) if (!seen.has(name) && value !== undefined) yield [name, value]
  }

  set(key: Key | string, value: Value): void {
    this.changes.set(nameOf(key), value)
  }

  delete(key: Key | string): boolean {
    const had = this.has(key)
    if (had) this.changes.set(nameOf(key), undefined)
    return had
  }

  /** Writes the changes to the real thing. */
  applyTo(target: EditableAttributes): void {
    for (const [name, value] of this.changes) {
      if (value === undefined) target.delete(name)
      else target.set(name, value)
    }
  }
}

function nameOf(key: Key | string): string {
  return typeof key === 'string' ? key : key.name
}
