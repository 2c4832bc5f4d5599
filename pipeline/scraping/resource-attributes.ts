/** The `resource_attributes:` key of scraping receivers: which ones there are, what they say instead, and which resources are left out by them. */
import { z } from 'zod'
import type { Value } from '../data/telemetry.ts'
import { asText } from '../data/value.ts'
import { Regex } from '../ottl/regex.ts'

const filter = z
  .strictObject({
    strict: z.string().default('').describe('The whole value.'),
    regexp: z.string().default('').describe('A regular expression (RE2) that is found in the value.'),
  })
  .superRefine(({ strict, regexp }, context) => {
    const refuse = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path })
    if (strict === '' && regexp === '') refuse('must specify either strict or regex')
    if (strict !== '' && regexp !== '') refuse('strict and regex cannot be used together')
    if (regexp === '') return
    try {
      new Regex(regexp)
    } catch (error) {
      refuse((error as Error).message, ['regexp'])
    }
  })
type Filters = readonly z.output<typeof filter>[]

interface DescribedAttribute {
  readonly enabled: boolean
  readonly description: string
  readonly type?: 'int'
}
export type DescribedAttributes = Readonly<Record<string, DescribedAttribute>>

const filters = (description: string) => z.array(filter).default([]).describe(description)

export function resourceAttributesKey<T extends DescribedAttributes>(attributes: T) {
  const shape = Object.fromEntries(
    Object.entries(attributes).map(([name, attribute]) => [name, section(attribute)]),
  ) as Record<keyof T & string, ReturnType<typeof section>>
  return z
    .strictObject(shape)
    .prefault({} as never)
    .describe('What resources say of the server.')
}

function section({ enabled, description, type }: DescribedAttribute) {
  const value: z.ZodType<string | number> = type === 'int' ? z.int() : z.string()
  return z
    .strictObject({
      enabled: z.boolean().default(enabled).describe('Whether resources have it.'),
      override_value: value.optional().describe('What it says instead.'),
      metrics_include: filters('Only resources go on whose value is one of these.'),
      metrics_exclude: filters('Resources whose value is one of these do not go on.'),
      events_include: filters('The same for events.'),
      events_exclude: filters('The same for events.'),
    })
    .prefault({})
    .describe(description)
}

interface AttributeSettings {
  readonly enabled: boolean
  readonly override_value?: string | number | undefined
  readonly metrics_include: Filters
  readonly metrics_exclude: Filters
  readonly events_include: Filters
  readonly events_exclude: Filters
}
export type ResourceSettings = Readonly<Record<string, AttributeSettings>>

type Test = (value: string) => boolean

/** Makes the attributes of a resource, and knows whether it goes on. */
export class ResourceMaker {
  readonly #settings: ResourceSettings
  readonly #include: readonly (readonly [name: string, test: Test])[]
  readonly #exclude: readonly (readonly [name: string, test: Test])[]

  constructor(settings: ResourceSettings, of: 'metrics' | 'events') {
    this.#settings = settings
    const tests = (which: 'include' | 'exclude') =>
      Object.entries(settings).flatMap(([name, attribute]) => {
        const all = attribute[`${of}_${which}`]
        return all.length === 0 ? [] : [[name, testOf(all)] as const]
      })
    this.#include = tests('include')
    this.#exclude = tests('exclude')
  }

  /** Undefined for a resource that is left out. Values that are undefined are not said. */
  make(values: Readonly<Record<string, string | number | undefined>>): Record<string, Value> | undefined {
    const made: Record<string, Value> = {}
    for (const [name, value] of Object.entries(values))
      if (value !== undefined && this.#settings[name]?.enabled) made[name] = value
    for (const [name, { enabled, override_value }] of Object.entries(this.#settings))
      if (enabled && override_value !== undefined) made[name] = override_value
    for (const [name, test] of this.#include) if (name in made && !test(asText(made[name]!))) return undefined
    for (const [name, test] of this.#exclude) if (name in made && test(asText(made[name]!))) return undefined
    return made
  }
}

function testOf(filters: Filters): Test {
  const texts = new Set(filters.map(({ strict }) => strict).filter((text) => text !== ''))
  const patterns = filters.filter(({ regexp }) => regexp !== '').map(({ regexp }) => new Regex(regexp))
  return (value) => texts.has(value) || patterns.some((pattern) => pattern.test(value))
}
