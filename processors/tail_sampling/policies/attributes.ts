/** Policies on one attribute of a span or of a resource. A value of another type counts as the zero of the wanted one, as upstream. */
import type { Attributes } from '../../../pipeline/data/telemetry.ts'
import { key as prepare } from '../../../pipeline/data/value.ts'
import { Regex } from '../../../pipeline/ottl/regex.ts'
import type { PolicySettings } from '../policies-config.ts'
import type { TraceView } from '../trace-view.ts'
import type { Policy } from './policy.ts'

type Section<K extends keyof PolicySettings> = NonNullable<PolicySettings[K]>
type AttributesTest = (attributes: Attributes) => boolean

export function numericAttribute(settings: Section<'numeric_attribute'>): Policy {
  const name = prepare(settings.key)
  const least = settings.min_value === 0 ? Number.NEGATIVE_INFINITY : settings.min_value
  const most = settings.max_value === 0 ? Number.POSITIVE_INFINITY : settings.max_value
  const test: AttributesTest = (attributes) => {
    const value = attributes.get(name)
    if (value === undefined) return false
    // A double that is not integral reads as a number too.
    const isInt = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
    const int = isInt ? value : 0
    return int >= least && int <= most
  }
  return anyOf(test, test, settings.invert_match)
}

export function booleanAttribute(settings: Section<'boolean_attribute'>): Policy {
  const name = prepare(settings.key)
  const test: AttributesTest = (attributes) => {
    const value = attributes.get(name)
    return value !== undefined && (value === true) === settings.value
  }
  return anyOf(test, test, settings.invert_match)
}

export function stringAttribute(settings: Section<'string_attribute'>): Policy {
  const name = prepare(settings.key)
  const matches = settings.enabled_regex_matching ? regexTest(settings) : exactTest(settings.values)
  const ofResource: AttributesTest = (attributes) => {
    const value = attributes.get(name)
    return value !== undefined && matches(typeof value === 'string' ? value : '')
  }
  const ofSpan: AttributesTest = (attributes) => {
    const value = attributes.get(name)
    return typeof value === 'string' && value !== '' && matches(value)
  }
  return anyOf(ofResource, ofSpan, settings.invert_match)
}

function anyOf(ofResource: AttributesTest, ofSpan: AttributesTest, isInverted: boolean): Policy {
  const matches = ({ resources, spans }: TraceView): boolean => {
    for (let i = 0; i < resources.length; i++) if (ofResource(resources[i]!.attributes)) return true
    for (let i = 0; i < spans.length; i++) if (ofSpan(spans[i]!.attributes)) return true
    return false
  }
  return { decide: (trace) => (matches(trace) === isInverted ? 'not_sampled' : 'sampled') }
}

function exactTest(values: readonly string[]): (text: string) => boolean {
  const wanted = new Set(values.filter((value) => value !== ''))
  return (text) => wanted.has(text)
}

const defaultCacheSize = 128

function regexTest({ values, cache_max_size }: Section<'string_attribute'>): (text: string) => boolean {
  const patterns = values.map((value) => new Regex(value))
  const size = cache_max_size > 0 ? cache_max_size : defaultCacheSize
  const results = new Map<string, boolean>()
  return (text) => {
    let result = results.get(text)
    if (result === undefined) {
      result = patterns.some((pattern) => pattern.test(text))
      if (results.size === size) results.delete(results.keys().next().value!)
    } else results.delete(text)
    results.set(text, result)
    return result
  }
}
