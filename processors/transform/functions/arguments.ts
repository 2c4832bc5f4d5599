/** Parameters that stand in the statement as they are, as upstream wants them: known before any data comes. */
import { literalFlag, literalFraction, literalText } from '../../../pipeline/ottl/functions/params.ts'
import type { Param } from '../../../pipeline/ottl/functions/signature.ts'
import { fail } from '../../../pipeline/ottl/problems.ts'

/** A parameter with a check of its own. */
export function checked<T, R extends T>(
  of: Param<T>,
  isRight: (value: T) => value is R,
  wrong: (value: T) => string,
): Param<R> {
  return {
    wants: of.wants,
    build(value, scope) {
      const built = of.build(value, scope)
      return isRight(built) ? built : fail(wrong(built))
    },
  }
}

export const flagLiteral = literalFlag
export const textLiteral = literalText
export const fractionLiteral = literalFraction
export const temporalityLiteral = checked(
  literalText,
  (text): text is 'delta' | 'cumulative' => text === 'delta' || text === 'cumulative',
  (text) => `unknown aggregation temporality: ${text}; use delta or cumulative`,
)
