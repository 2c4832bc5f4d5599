/** Converters that read structured text. */

import { parseJson } from '../json.ts'
import { fail } from '../problems.ts'
import { asText, define, kindOf, type OttlMap, type OttlValue, typeName } from '../values.ts'
import { delimiters } from './collections.ts'
import { type RowMode, readRow } from './csv.ts'
import { any, literalText, map, text } from './params.ts'
import { converter, optional } from './signature.ts'

/** Pieces between delimiters, empty ones left out; quotes hide delimiters and go. */
function splitQuoted(input: string, delimiter: string): string[] {
  const pieces: string[] = []
  let current = ''
  let quote = ''
  for (let i = 0; i < input.length; ) {
    const c = input[i]!
    if (quote === '' && input.startsWith(delimiter, i)) {
      if (current !== '') pieces.push(current)
      current = ''
      i += delimiter.length
      continue
    }
    if (quote === '' && (c === '"' || c === "'")) quote = c
    else if (c === quote) quote = ''
    else current += c
    i++
  }
  if (quote !== '') fail('never reached the end of a quoted value')
  if (current !== '') pieces.push(current)
  return pieces
}

const modes: readonly string[] = ['strict', 'lazyQuotes', 'ignoreQuotes']

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  '2xx': [200, 299],
  '3xx': [300, 399],
  '4xx': [400, 499],
  '5xx': [500, 599],
}

/** Whether one criterion of a level (`equals` or `range`) holds for the value. */
function isOfLevel(criterion: OttlValue, value: OttlValue): boolean {
  if (kindOf(criterion) !== 'map')
    fail(`severity mapping criteria items must be map[string]any, but got ${typeName(criterion)}`)
  const { equals, range, ...others } = criterion as OttlMap
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    fail(`unknown criterion ${JSON.stringify(unknown)} in a severity mapping: use equals or range`)
  if (equals !== undefined) {
    if (kindOf(equals) !== 'list') fail(`equals must be a list, but got ${typeName(equals)}`)
    if ((equals as readonly OttlValue[]).some((item) => item === value && kindOf(item) === kindOf(value))) return true
  }
  if (range === undefined || kindOf(value) !== 'int') return false
  const [low, high] = bounds(range)
  const number = value as number | bigint
  return number >= low && number <= high
}

function bounds(range: OttlValue): readonly [number | bigint, number | bigint] {
  if (typeof range === 'string')
    return Object.hasOwn(ranges, range)
      ? ranges[range]!
      : fail(`unknown range ${JSON.stringify(range)}: use 2xx, 3xx, 4xx or 5xx`)
  if (kindOf(range) === 'map') {
    const { min = null, max = null } = range as OttlMap
    if (kindOf(min) === 'int' && kindOf(max) === 'int') return [min as number | bigint, max as number | bigint]
  }
  fail('a range has min and max, both ints')
}

export const parserFunctions = [
  converter(
    'ParseJSON',
    { target: text },
    ({ target }) =>
      (frame) =>
        parseJson(target(frame)),
  ),
  converter(
    'ParseKeyValue',
    { target: text, delimiter: optional(literalText), pair_delimiter: optional(literalText) },
    ({ target, delimiter, pair_delimiter: pairDelimiter }) => {
      const [of, between] = delimiters(delimiter, pairDelimiter)
      return (frame) => {
        const input = target(frame)
        if (input === '') fail('cannot parse from empty target')
        const result: { [key: string]: OttlValue } = {}
        for (const pair of splitQuoted(input, between)) {
          const at = pair.indexOf(of)
          if (at < 0) fail(`failed to parse pairs: cannot split ${JSON.stringify(pair)} into 2 items, got 1 item(s)`)
          define(result, pair.slice(0, at).trim(), pair.slice(at + of.length).trim())
        }
        return result
      }
    },
  ),
  converter(
    'ParseCSV',
    {
      target: text,
      headers: text,
      delimiter: optional(literalText),
      header_delimiter: optional(literalText),
      mode: optional(literalText),
    },
    ({ target, headers, delimiter = ',', header_delimiter: between = delimiter, mode = 'strict' }) => {
      for (const [name, value] of [
        ['delimiter', delimiter],
        ['header_delimiter', between],
      ] as const) {
        if (Array.from(value).length !== 1) fail(`invalid arguments: ${name} must be a single character`)
      }
      if (!modes.includes(mode)) fail(`invalid arguments: unknown mode: ${mode}; use one of ${modes.join(', ')}`)
      return (frame) => {
        const header = headers(frame)
        if (header === '') fail('headers must not be an empty string')
        const names = header.split(between)
        const row = readRow(target(frame), delimiter, mode as RowMode)
        if (row.length !== names.length) fail(`wrong number of fields: expected ${names.length}, found ${row.length}`)
        const result: { [key: string]: OttlValue } = {}
        for (const [i, name] of names.entries()) define(result, name, row[i]!)
        return result
      }
    },
  ),
  converter(
    'ParseSeverity',
    { target: any, severity_mapping: map },
    ({ target, severity_mapping: mapping }) =>
      (frame) => {
        const value = target(frame)
        if (kindOf(value) !== 'int' && kindOf(value) !== 'string') {
          fail(`could not map log level: log level must be either string or int64, but got ${typeName(value)}`)
        }
        for (const [level, criteria] of Object.entries(mapping(frame))) {
          if (kindOf(criteria) !== 'list') fail('invalid severity mapping: the criteria of a level are a list')
          if ((criteria as readonly OttlValue[]).some((criterion) => isOfLevel(criterion, value))) return level
        }
        fail(`could not map log level: no matching log level found for value '${asText(value)}'`)
      },
  ),
] as const
