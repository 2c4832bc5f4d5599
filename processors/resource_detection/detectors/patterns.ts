import { z } from 'zod'
import { errorMessage } from '../../../pipeline/error-message.ts'
import { Regex } from '../../../pipeline/ottl/regex.ts'

/** Go's expressions. Throws where one is not valid. */
export function compilePatterns(patterns: readonly string[]): readonly Regex[] {
  return patterns.map((pattern) => new Regex(pattern))
}
export function matchesAny(patterns: readonly Regex[], text: string): boolean {
  return patterns.some((pattern) => pattern.test(text))
}

/** A list of Go's expressions in the config. */
export function patternList() {
  return z
    .array(
      z.string().superRefine((pattern, context) => {
        try {
          void new Regex(pattern)
        } catch (error) {
          context.addIssue({ code: 'custom', message: errorMessage(error) })
        }
      }),
    )
    .default([])
}
