/** The four editors that replace text: by glob or regex, of one value or of a whole map. */
import type { Value } from '../../data/telemetry.ts'
import type { Frame } from '../frame.ts'
import { compileGlob } from '../glob.ts'
import type { Getter } from '../keys.ts'
import { fail } from '../problems.ts'
import { type Match, type Regex, template } from '../regex.ts'
import type { OttlValue } from '../values.ts'
import { functionOf, literalText, mapTarget, regex, target, text } from './params.ts'
import { editor, optional } from './signature.ts'

type Apply = (argument: Getter) => Getter

/** Puts what the function made into a format like `/user/%s`. */
function formatted(format: Getter<string> | undefined, value: string, frame: Frame): string {
  if (format === undefined) return value
  const pattern = format(frame)
  if (!/^[^%]*(?:%s[^%]*)+$/s.test(pattern) || pattern.split('%s').length !== 2) {
    fail('replacementFormat must be format string containing a single %s and no other format specifiers')
  }
  return pattern.split('%s').join(value)
}

/** A function as argument is applied to a value that is set before each call. */
function applier(apply: Apply | undefined): ((frame: Frame, value: string) => string) | undefined {
  if (apply === undefined) return undefined
  let input: OttlValue = null
  const get = apply(() => input)
  return (frame, value) => {
    input = value
    const result = get(frame)
    return typeof result === 'string' ? result : fail('the replacement value must be a string')
  }
}

/** The text by which a glob's match is replaced as a whole. */
function wholeReplacement(replacement: Getter<string>, apply: Apply | undefined, format: Getter<string> | undefined) {
  const call = applier(apply)
  return (frame: Frame): string => {
    const value = replacement(frame)
    return call === undefined ? value : formatted(format, call(frame, value), frame)
  }
}

function partReplacement(replacement: Getter<string>, apply: Apply | undefined, format: Getter<string> | undefined) {
  const call = applier(apply)
  return (frame: Frame, pattern: Regex): ((match: Match) => string) => {
    const expand = template(replacement(frame), pattern.groupNames)
    return call === undefined ? expand : (match) => formatted(format, call(frame, expand(match)), frame)
  }
}

const rest = { function: optional(functionOf), replacement_format: optional(text) }

export const replacers = [
  editor('replace_match', { target, pattern: literalText, replacement: text, ...rest }, (args) => {
    const glob = compileGlob(args.pattern)
    const by = wholeReplacement(args.replacement, args.function, args.replacement_format)
    return (frame) => {
      const value = args.target.get(frame)
      if (typeof value === 'string' && glob.test(value)) args.target.set(frame, by(frame))
    }
  }),

  editor('replace_all_matches', { target: mapTarget, pattern: literalText, replacement: text, ...rest }, (args) => {
    const glob = compileGlob(args.pattern)
    const by = wholeReplacement(args.replacement, args.function, args.replacement_format)
    return (frame) =>
      args.target(frame, (of) => {
        for (const [name, value] of Array.from(of.entries())) {
          if (typeof value === 'string' && glob.test(value)) of.set(name, by(frame))
        }
      })
  }),

  editor('replace_pattern', { target, regex, replacement: text, ...rest }, (args) => {
    const by = partReplacement(args.replacement, args.function, args.replacement_format)
    return (frame) => {
      const value = args.target.get(frame)
      if (typeof value !== 'string') return
      const pattern = args.regex(frame)
      if (!pattern.test(value)) return
      args.target.set(frame, pattern.replaceEach(value, by(frame, pattern)))
    }
  }),

  editor(
    'replace_all_patterns',
    { target: mapTarget, mode: literalText, regex, replacement: text, ...rest },
    (args) => {
      const by = partReplacement(args.replacement, args.function, args.replacement_format)
      const { mode } = args
      if (mode !== 'key' && mode !== 'value') fail(`invalid mode ${mode}, must be either 'key' or 'value'`)
      return (frame) => {
        const pattern = args.regex(frame)
        const expand = by(frame, pattern)
        args.target(frame, (of) => {
          const renamed: [string, string, Value][] = []
          for (const [name, value] of Array.from(of.entries())) {
            if (mode === 'value') {
              if (typeof value === 'string' && pattern.test(value)) of.set(name, pattern.replaceEach(value, expand))
            } else if (pattern.test(name)) renamed.push([name, pattern.replaceEach(name, expand), value])
          }
          for (const [name] of renamed) of.delete(name)
          for (const [, name, value] of renamed) of.set(name, value)
        })
      }
    },
  ),
] as const
