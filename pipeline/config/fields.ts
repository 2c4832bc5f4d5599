/**
 * Field types of a component's config, beside zod's own. Each says in its metadata what it is (`x-kind`), so that JSON Schema shows it, the
 * coercion before zod can read it, and `print-config` knows a duration from a number and a secret from a string.
 */
import { z } from 'zod'
import type { Value } from '../data/telemetry.ts'
import { maxNanos, parseDuration } from './duration.ts'
import { parseComponentId, parsePipelineId } from './ids.ts'

export type FieldKind = 'value' | 'duration' | 'bytes' | 'secret' | 'optional' | 'list' | 'headers' | 'id' | 'level'
/** `off`: absent and null are nothing. `on`: absent is nothing, null or `{}` is the section with its defaults. `default-on`: so is absent. */
export type Flavour = 'off' | 'on' | 'default-on'

/** `5s`, `1h30m`; a bare integer is nanoseconds, as in Go. The output, the default included, is milliseconds. */
export function duration() {
  return z
    .union([z.string(), z.number()])
    .transform((value, context): number => {
      if (typeof value === 'number' && Math.abs(value) < maxNanos) return value / 1e6
      const ms = typeof value === 'string' ? parseDuration(value) : { error: 'time: invalid duration' }
      if (typeof ms === 'number') return ms
      context.addIssue({
        code: 'custom',
        message: `${ms.error} ${JSON.stringify(value)}; ${durationCure}`,
        input: value,
      })
      return z.NEVER
    })
    .meta({ 'x-kind': 'duration' })
}
const durationCure = 'write a number with its unit (ns, us, ms, s, m, h), like 10s or 1h30m'

const bytesPerUnit: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4, p: 5 }

/** `16MiB` (1024), `16MB` (1000) or a bare number of bytes. The output is bytes. */
export function byteSize() {
  return z
    .union([z.string(), z.number()])
    .transform((value, context): number => {
      if (typeof value === 'number' && value >= 0) return Math.trunc(value)
      const match = /^(\d+\.?\d*)\s*(?:([kmgtp])(i?)b)?$/i.exec(String(value))
      if (match)
        return Math.trunc(
          Number(match[1]) * (match[3] ? 1024 : 1000) ** (bytesPerUnit[(match[2] ?? '').toLowerCase()] ?? 0),
        )
      const message = `not a size: ${JSON.stringify(value)}; write bytes, or a number with its unit, like 16MiB or 5MB`
      context.addIssue({ code: 'custom', message, input: value })
      return z.NEVER
    })
    .meta({ 'x-kind': 'bytes' })
}

/** A string that no output of ours ever shows. */
export function secret() {
  return z.string().meta({ 'x-kind': 'secret' })
}

/** configoptional: a section that may be left out, and that `enabled: false` turns off in every flavour. */
export function optional<S extends z.ZodType>(section: S, flavour: 'off' | 'on' | 'default-on') {
  const field = z
    .preprocess((value) => unlessDisabled(value, flavour), section.optional())
    .meta({ 'x-kind': 'optional', 'x-flavour': flavour })
  return flavour === 'default-on' ? field.prefault({}) : field.optional()
}

function unlessDisabled(value: unknown, flavour: Flavour): unknown {
  if (value === null) return flavour === 'off' ? undefined : {}
  if (typeof value !== 'object' || value === undefined || !('enabled' in value)) return value
  const { enabled, ...rest } = value
  return enabled === false ? undefined : enabled === true ? rest : value
}

/** A list that may also be written `a,b`. */
export function list<I extends z.ZodType>(item: I) {
  return z
    .preprocess((value) => (typeof value === 'string' ? splitList(value) : value), z.array(item))
    .meta({
      'x-kind': 'list',
    })
}
/** As mapstructure's hook: an empty string is an empty list, and nothing is trimmed. */
export function splitList(text: string): string[] {
  return text === '' ? [] : text.split(',')
}

/** Anything, as the value of an attribute: `1` is an int and `1.0` a double. Absent and null are undefined. */
export function attributeValue() {
  return z
    .unknown()
    .transform((value) => (value === null ? undefined : (value as Value | undefined)))
    .meta({ 'x-kind': 'value' })
    .optional()
}

/** A map `{ name: value }` or a list `[{ name, value }]`; the values are secrets. Absent is no header. */
export function headers() {
  return z
    .preprocess(headerList, z.array(z.strictObject({ name: z.string(), value: secret() })))
    .transform(
      (all) =>
        all.map(({ name, value }): readonly [string, string] => [name, value]) as readonly (readonly [
          string,
          string,
        ])[],
    )
    .meta({ 'x-kind': 'headers' })
    .default([])
}
function headerList(value: unknown): unknown {
  if (value === null) return []
  if (typeof value !== 'object' || Array.isArray(value)) return value
  return Object.entries(value).map(([name, text]) => ({ name, value: text as unknown }))
}

/** The id of another component, an extension most often: `file_storage/queue`. */
export function componentId() {
  return z
    .string()
    .superRefine((text, context) => {
      const parsed = parseComponentId(text)
      if ('error' in parsed)
        context.addIssue({ code: 'custom', message: `${parsed.error}; write \`type\` or \`type/name\`` })
    })
    .meta({ 'x-kind': 'id' })
}

/** A pipeline, `signal[/name]`. The output is trimmed. */
export function pipelineId() {
  return z.string().transform((text, context): string => {
    const parsed = parsePipelineId(text)
    if ('id' in parsed) return parsed.id.text
    context.addIssue({ code: 'custom', message: `${parsed.error}; write \`signal\` or \`signal/name\``, input: text })
    return z.NEVER
  })
}

/** The number behind the first name, as in upstream's `configtelemetry` and in zap. */
export const lowestLevel = -1

/** One of `names`, in any case, or its number: upstream's decoder takes both. */
export function level<const N extends readonly [string, ...string[]]>(
  names: N,
  message = (text: string): string => `unknown metrics level ${JSON.stringify(text)}`,
) {
  const canonical = (value: unknown): unknown => {
    if (typeof value === 'number') return names[value - lowestLevel] ?? value
    return typeof value === 'string' ? value.toLowerCase() : value
  }
  return z
    .preprocess(canonical, z.enum(names, { error: ({ input }) => message(String(input)) }))
    .meta({ 'x-kind': 'level' })
}
