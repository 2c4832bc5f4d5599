/** Renames spans, takes names apart, sets the status. */
import type { Editable, Key, Span, Value } from '../../pipeline/data/telemetry.ts'
import { key as prepareKey } from '../../pipeline/data/value.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { Regex } from '../../pipeline/ottl/regex.ts'
import { formatFloat, kindOf, toNumber } from '../../pipeline/ottl/values.ts'
import type { Config } from './config.ts'

export type ChangeSpan = (span: Editable<Span>) => void

/** Throws what upstream refuses, in its words. */
export function compileChanges({ name, status }: Config): ChangeSpan {
  const rules = name.to_attributes?.rules ?? []
  if (name.from_attributes.length === 0 && rules.length === 0 && status === undefined)
    throw new Error(
      'error creating "span" processor: either "from_attributes" or "to_attributes" must be specified in "name:" or "setStatus" must be specified',
    )
  const changes: ChangeSpan[] = []
  // A status that is wrong is told before a pattern that is, as upstream does.
  const setStatus = status === undefined ? undefined : statusSetter(status)
  if (name.from_attributes.length > 0) changes.push(nameFrom(name.from_attributes, name.separator))
  if (name.to_attributes !== undefined && rules.length > 0) changes.push(takeApart(name.to_attributes))
  if (setStatus !== undefined) changes.push(setStatus)
  return (span) => {
    for (const change of changes) change(span)
  }
}

function nameFrom(names: readonly string[], separator: string): ChangeSpan {
  const keys = names.map(prepareKey)
  return (span) => {
    const parts: string[] = []
    for (const key of keys) {
      const value = span.attributes.get(key)
      if (value === undefined) return
      parts.push(partOf(value))
    }
    span.name = parts.join(separator)
  }
}

function partOf(value: Value): string {
  switch (kindOf(value)) {
    case 'string':
    case 'bool':
    case 'int':
      return String(value as string | boolean | number | bigint)
    case 'double':
      return formatFloat(toNumber(value))
    default:
      return '<unknown-attribute-type>'
  }
}

function takeApart({
  rules,
  break_after_match,
  keep_original_name,
}: NonNullable<Config['name']['to_attributes']>): ChangeSpan {
  const patterns = rules.map((rule) => {
    try {
      const pattern = new Regex(rule)
      return { pattern, targets: pattern.groupNames.map((name) => prepareKey(name ?? '')) }
    } catch (cause) {
      const reason = errorMessage(cause)
      throw new Error(`invalid regexp pattern ${rule}: ${reason}`, { cause })
    }
  })
  return (span) => {
    for (const { pattern, targets } of patterns) {
      const { name } = span
      if (name === '') return
      const ranges = pattern.ranges(name)
      if (ranges === undefined) continue
      const shortened = extract(span, name, ranges, targets)
      if (!keep_original_name) span.name = shortened
      if (break_after_match) return
    }
  }
}

/** Answers the name with `{group}` where the groups stood. A group inside another, or that took no part, has no place of its own. */
function extract(
  span: Editable<Span>,
  name: string,
  ranges: readonly (readonly [number, number])[],
  targets: readonly Key[],
): string {
  let shortened = ''
  let at = 0
  for (let i = 1; i < ranges.length; i++) {
    const [start, end] = ranges[i]!
    const target = targets[i]!
    span.attributes.set(target, start < 0 ? '' : name.slice(start, end))
    if (start < at) continue
    shortened += `${name.slice(at, start)}{${target.name}}`
    at = end
  }
  return shortened + name.slice(at)
}

const codes: Readonly<Record<string, number>> = { Unset: 0, Ok: 1, Error: 2 }

function statusSetter({ code, description }: NonNullable<Config['status']>): ChangeSpan {
  const number = Object.hasOwn(codes, code) ? codes[code] : undefined
  if (number === undefined)
    throw new Error(
      'error creating "span" processor: "status" must have specified "code" as "Ok" or "Error" or "Unset"',
    )
  if (description !== '' && code !== 'Error')
    throw new Error('error creating "span" processor: "description" can be specified only for "code" "Error"')
  const status = { code: number, message: description }
  return (span) => {
    span.status = status
  }
}
