/** Which attributes a metric keeps: names that are fixed, and names that OTTL gives. */
import type { Attributes, Key, Value } from '../../pipeline/data/telemetry.ts'
import { key as prepareKey } from '../../pipeline/data/value.ts'
import { compileValue } from '../../pipeline/ottl/compile.ts'
import type { Frame } from '../../pipeline/ottl/frame.ts'
import type { OttlValue } from '../../pipeline/ottl/values.ts'
import type { AttributeConfig } from './config.ts'
import { contexts, type Kind, optionsOf } from './language.ts'

interface Pick {
  readonly key: Key
  readonly fallback: Value | undefined
}

export class AttributePicks {
  /** Those without which an item does not count. */
  private readonly required: readonly Key[]
  private readonly fixed: readonly Pick[]
  private readonly entries: readonly {
    readonly config: AttributeConfig
    readonly names: (frame: Frame) => readonly string[]
  }[]
  readonly isEmpty: boolean

  constructor(configs: readonly AttributeConfig[], kind: Kind) {
    this.isEmpty = configs.length === 0
    this.required = configs
      .filter(({ key, optional, default_value }) => key !== '' && !optional && default_value === undefined)
      .map(({ key }) => prepareKey(key))
    this.fixed = sorted(
      configs.filter(({ key }) => key !== '').map(({ key, default_value }) => pickOf(key, default_value)),
    )
    this.entries = configs.every(({ key }) => key !== '')
      ? []
      : configs.map((config) => ({ config, names: namesOf(config, kind) }))
  }

  matches(attributes: Attributes): boolean {
    for (const key of this.required) if (!attributes.has(key)) return false
    return true
  }

  /** What is kept of an item's attributes, by name and sorted. Throws what OTTL throws. */
  of(attributes: Attributes, frame: Frame): [string, Value][] {
    const kept: [string, Value][] = []
    for (const { key, fallback } of this.picks(frame)) {
      const own = attributes.get(key)
      const value = own === undefined ? fallback : own
      if (value !== undefined) kept.push([key.name, value])
    }
    return kept
  }

  /** Of names that come twice the last entry counts. */
  private picks(frame: Frame): readonly Pick[] {
    if (this.entries.length === 0) return this.fixed
    const byName = new Map<string, Pick>()
    for (const { config, names } of this.entries)
      for (const name of names(frame)) byName.set(name, pickOf(name, config.default_value))
    return sorted([...byName.values()])
  }
}

function pickOf(name: string, fallback: Value | undefined): Pick {
  return { key: prepareKey(name), fallback }
}

function sorted(picks: Pick[]): readonly Pick[] {
  return picks.sort((a, b) => (a.key.name < b.key.name ? -1 : 1))
}

function namesOf({ key, keys_expression }: AttributeConfig, kind: Kind): (frame: Frame) => readonly string[] {
  if (key !== '') return () => [key]
  const { get } = compileValue(keys_expression, contexts[kind], optionsOf)
  return (frame) => listOf(get(frame))
}

function listOf(value: OttlValue): readonly string[] {
  if (value === null) return []
  if (!Array.isArray(value)) throw new Error('keys_expression must return a list of strings')
  for (const [at, item] of value.entries())
    if (typeof item !== 'string')
      throw new Error(`keys_expression must return a list of strings: expected string element at index ${at}`)
  return value as readonly string[]
}
