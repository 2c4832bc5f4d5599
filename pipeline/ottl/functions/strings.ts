/** Converters of text. */

import { compare } from '../compare.ts'
import { fail } from '../problems.ts'
import { type Id, kindOf, type OttlValue, toText } from '../values.ts'
import { toCamel, toSnake } from './case.ts'
import { sprintf } from './format.ts'
import { any, flag, list, literalText, regex, text, textLike, whole } from './params.ts'
import { converter, optional } from './signature.ts'
import { boundaryAfter, boundaryBefore } from './truncate.ts'

const cases: Readonly<Record<string, (text: string) => string>> = {
  lower: (value) => value.toLowerCase(),
  upper: (value) => value.toUpperCase(),
  snake: toSnake,
  camel: toCamel,
}

function caseConverter(name: string, convert: (text: string) => string) {
  return converter(name, { target: text }, ({ target }) => (frame) => {
    const value = target(frame)
    return value === '' ? value : convert(value)
  })
}

/** What Concat joins; maps, lists and the like are left out. */
function joinable(value: OttlValue): string | undefined {
  switch (kindOf(value)) {
    case 'nil':
      return '<nil>'
    case 'id':
      return (value as Id).hex
    case 'string':
    case 'bool':
    case 'int':
    case 'double':
    case 'bytes':
      return toText(value)!
    default:
      return undefined
  }
}

export const stringFunctions = [
  converter('Concat', { values: list, delimiter: text }, ({ values, delimiter }) => (frame) => {
    const parts: string[] = []
    for (const value of values(frame)) {
      const part = joinable(value)
      if (part !== undefined) parts.push(part)
    }
    return parts.join(delimiter(frame))
  }),
  converter('ConvertCase', { target: text, to_case: literalText }, ({ target, to_case: name }) => {
    const convert = Object.hasOwn(cases, name)
      ? cases[name]!
      : fail(`invalid case: ${name}, allowed cases are: ${Object.keys(cases).join(', ')}`)
    return (frame) => convert(target(frame))
  }),
  caseConverter('ToLowerCase', cases['lower']!),
  caseConverter('ToUpperCase', cases['upper']!),
  caseConverter('ToSnakeCase', toSnake),
  caseConverter('ToCamelCase', toCamel),
  converter(
    'HasPrefix',
    { target: text, prefix: text },
    ({ target, prefix }) =>
      (frame) =>
        target(frame).startsWith(prefix(frame)),
  ),
  converter(
    'HasSuffix',
    { target: text, suffix: text },
    ({ target, suffix }) =>
      (frame) =>
        target(frame).endsWith(suffix(frame)),
  ),
  converter('TrimPrefix', { target: text, prefix: text }, ({ target, prefix }) => (frame) => {
    const [value, start] = [target(frame), prefix(frame)]
    return value.startsWith(start) ? value.slice(start.length) : value
  }),
  converter('TrimSuffix', { target: text, suffix: text }, ({ target, suffix }) => (frame) => {
    const [value, end] = [target(frame), suffix(frame)]
    return end !== '' && value.endsWith(end) ? value.slice(0, -end.length) : value
  }),
  converter('Trim', { target: text, replacement: optional(literalText) }, ({ target, replacement = ' ' }) => {
    const cut = new Set(replacement)
    return (frame) => {
      const characters = Array.from(target(frame))
      let from = 0
      let to = characters.length
      while (from < to && cut.has(characters[from]!)) from++
      while (to > from && cut.has(characters[to - 1]!)) to--
      return characters.slice(from, to).join('')
    }
  }),
  converter('Split', { target: text, delimiter: text }, ({ target, delimiter }) => (frame) => {
    const at = delimiter(frame)
    return at === '' ? Array.from(target(frame)) : target(frame).split(at)
  }),
  converter(
    'Substring',
    { target: text, start: whole, length: whole, utf8_safe: optional(flag) },
    ({ target, start: startOf, length: lengthOf, utf8_safe: safe }) =>
      (frame) => {
        let start = Number(startOf(frame))
        const length = Number(lengthOf(frame))
        if (start < 0) fail(`invalid start for substring function, ${start} cannot be negative`)
        if (length <= 0) fail(`invalid length for substring function, ${length} cannot be negative or zero`)
        const bytes = Buffer.from(target(frame))
        if (start + length > bytes.length) {
          fail(
            `invalid range for substring function, ${start + length} cannot be greater than the length of target string(${bytes.length})`,
          )
        }
        let end = start + length
        if (safe?.(frame) === true) {
          start = boundaryAfter(bytes, start)
          end = boundaryBefore(bytes, end)
        }
        return end <= start ? '' : bytes.toString('utf8', start, end)
      },
  ),
  converter('Index', { target: any, value: any }, ({ target, value }) => (frame) => {
    const where = target(frame)
    const what = value(frame)
    if (typeof where === 'string') {
      if (typeof what !== 'string') fail('invalid value type for Index function, value must be a string')
      const at = where.indexOf(what)
      return at < 0 ? -1 : Buffer.byteLength(where.slice(0, at))
    }
    if (kindOf(where) !== 'list') fail('unsupported type for Index function, target must be a string or a slice')
    return (where as readonly OttlValue[]).findIndex((item) => compare(item, what, '=='))
  }),
  converter(
    'Format',
    { format: text, args: list },
    ({ format, args }) =>
      (frame) =>
        sprintf(format(frame), args(frame)),
  ),
  converter('IsMatch', { target: textLike, pattern: regex }, ({ target, pattern }) => (frame) => {
    const value = target(frame)
    return value !== null && pattern(frame).test(value)
  }),
  converter('ExtractPatterns', { target: text, pattern: patternWithNames() }, ({ target, pattern }) => (frame) => {
    const of = pattern(frame)
    const match = of.find(target(frame))
    const map: { [key: string]: OttlValue } = {}
    if (match === undefined) return map
    for (const [i, name] of of.groupNames.entries()) if (name !== undefined) map[name] = match.groups[i] ?? ''
    return map
  }),
] as const

/** A pattern without named groups extracts nothing, ever: that is a mistake. */
function patternWithNames(): typeof regex {
  return {
    ...regex,
    build(value, scope) {
      const get = regex.build(value, scope)
      if (value.type === 'string' && !/\(\?P?<[A-Za-z_]/.test(value.value)) {
        fail('at least 1 named capture group must be supplied in the given regex')
      }
      return get
    },
  }
}
