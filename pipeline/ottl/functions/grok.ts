/** ExtractGrokPatterns: `%{SYNTAX:name:type}` over named patterns, which may use each other. */
import { parseFloatText, parseIntText } from '../numbers.ts'
import { fail } from '../problems.ts'
import { Regex } from '../regex.ts'
import { define, float, type OttlValue } from '../values.ts'
import { grokPatterns } from './grok-patterns.ts'
import { listOf, literalFlag, literalText, text } from './params.ts'
import { converter, optional } from './signature.ts'

const types: readonly string[] = ['int', 'long', 'float', 'double', 'bool', 'boolean', 'string']
/** Patterns within patterns grow by multiplication. */
const maxLength = 100_000

interface Capture {
  readonly name: string
  readonly type: string
}
interface Grok {
  readonly regex: Regex
  /** By the name of the regex's group. */
  readonly captures: ReadonlyMap<string, Capture>
}

function compileGrok(pattern: string, definitions: ReadonlyMap<string, string>, namedOnly: boolean): Grok {
  const captures = new Map<string, Capture>()
  let budget = maxLength
  const expand = (of: string, inside: readonly string[]): string => {
    budget -= of.length
    if (budget < 0) fail(`the grok pattern is longer than ${maxLength} characters when its parts are put in`)
    const plain = of.replaceAll(/\(\?P?<([\w.@-]+)>/g, (_, name: string) => open(name, 'string'))
    return plain.replaceAll(/%\{([^{}]*)\}/g, (_, reference: string) => {
      const [syntax = '', name, type = 'string'] = reference.split(':')
      const body = definitions.get(syntax) ?? (Object.hasOwn(grokPatterns, syntax) ? grokPatterns[syntax] : undefined)
      if (body === undefined) fail(`no pattern is called ${JSON.stringify(syntax)}`)
      if (inside.includes(syntax)) fail(`the pattern ${syntax} contains itself`)
      if (!types.includes(type))
        fail(`unknown type ${JSON.stringify(type)} in %{${reference}}: use one of ${types.join(', ')}`)
      const inner = expand(body, [...inside, syntax])
      if (name !== undefined && name !== '') return `${open(name, type)}${inner})`
      return namedOnly ? `(?:${inner})` : `${open(syntax, type)}${inner})`
    })
  }
  // Names of groups are letters, digits and underscores; grok's may have dots.
  const open = (name: string, type: string): string => {
    const id = `g${captures.size}`
    captures.set(id, { name, type })
    return `(?P<${id}>`
  }
  const source = expand(pattern, [])
  if (namedOnly && captures.size === 0) fail('at least 1 named capture group must be supplied in the given regex')
  return { regex: new Regex(source), captures }
}

function typed(value: string, type: string): OttlValue {
  switch (type) {
    case 'int':
    case 'long':
      return parseIntText(value, 10) ?? fail(`${JSON.stringify(value)} is not an int`)
    case 'float':
    case 'double':
      return float(parseFloatText(value) ?? fail(`${JSON.stringify(value)} is not a number`))
    case 'bool':
    case 'boolean':
      return /^(?:1|t|true)$/i.test(value)
        ? true
        : /^(?:0|f|false)$/i.test(value)
          ? false
          : fail(`${JSON.stringify(value)} is not a bool`)
    default:
      return value
  }
}

function definitionsOf(list: readonly string[]): ReadonlyMap<string, string> {
  const definitions = new Map<string, string>()
  for (const [i, definition] of list.entries()) {
    const at = definition.indexOf('=')
    if (at < 0) {
      const shown = definition.length > 20 ? `${definition.slice(0, 17)}...` : definition
      fail(
        `pattern ${JSON.stringify(shown)} supplied to ExtractGrokPatterns at index ${i} has incorrect format, expecting PATTERNNAME=pattern definition`,
      )
    }
    const name = definition.slice(0, at)
    if (name.includes(':')) fail(`pattern ID ${JSON.stringify(name)} should not contain ':'`)
    definitions.set(name, definition.slice(at + 1))
  }
  return definitions
}

export const grokFunctions = [
  converter(
    'ExtractGrokPatterns',
    {
      target: text,
      pattern: literalText,
      named_captures_only: optional(literalFlag),
      pattern_definitions: optional(listOf(literalText)),
    },
    ({ target, pattern, named_captures_only: namedOnly = false, pattern_definitions: definitions = [] }) => {
      const { regex, captures } = compileGrok(pattern, definitionsOf(definitions), namedOnly)
      return (frame) => {
        const match = regex.find(target(frame))
        const map: { [key: string]: OttlValue } = {}
        if (match === undefined) return map
        for (const [i, group] of regex.groupNames.entries()) {
          const capture = group === undefined ? undefined : captures.get(group)
          const value = match.groups[i]
          if (capture === undefined || value === undefined) continue
          // Of several with one name the one that matched something counts.
          if (value !== '' || !Object.hasOwn(map, capture.name)) define(map, capture.name, typed(value, capture.type))
        }
        return map
      }
    },
  ),
] as const
