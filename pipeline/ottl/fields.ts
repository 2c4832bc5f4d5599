/** What components with OTTL in their configuration have in common: keys, and problems of statements at their place in the file. */
import { z } from 'zod'
import type { ErrorMode } from './compile.ts'
import type { ContextName } from './contexts/contexts.ts'
import { CompileError, type Problem } from './problems.ts'

const errorModes = ['ignore', 'silent', 'propagate'] as const satisfies readonly ErrorMode[]

/** In any case, as upstream reads it. */
export function errorMode() {
  return z.preprocess(
    lowerCase,
    z.enum(errorModes, {
      error: ({ input }) => `unknown error mode ${String(input)}; use ignore, silent or propagate`,
    }),
  )
}

/** A context by its name, in any case; empty = it is inferred. */
export function contextName<const A extends readonly ContextName[]>(allowed: A) {
  return z.preprocess(
    lowerCase,
    z.enum(['', ...allowed] as readonly ('' | A[number])[], {
      error: ({ input }) => `unknown context ${String(input)}`,
    }),
  )
}

function lowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value
}

type Path = readonly (string | number)[]

/** Runs `compile`; what it throws becomes issues of the configuration, each at its statement. */
export function reportProblems(
  context: z.RefinementCtx<unknown>,
  placeOf: (statement: number) => Path,
  compile: () => void,
): void {
  try {
    compile()
  } catch (error) {
    if (!(error instanceof CompileError)) throw error
    for (const problem of error.problems)
      context.addIssue({ code: 'custom', path: [...placeOf(problem.statement)], message: explain(problem) })
  }
}

/** More of a line does not fit a terminal. */
const shownBefore = 60
const shownAfter = 60

/** What is wrong, and below it the line with a mark where. */
export function explain({ message, text, line, column }: Problem): string {
  const all = (text.split('\n')[line - 1] ?? '').replaceAll('\t', ' ')
  const from = Math.max(0, column - 1 - shownBefore)
  const shown = `${from > 0 ? '…' : ''}${all.slice(from, column + shownAfter)}${column + shownAfter < all.length ? '…' : ''}`
  const mark = ' '.repeat(column - 1 - from + (from > 0 ? 1 : 0))
  return `${line}:${column}: ${message}\n    ${shown}\n    ${mark}^`
}
