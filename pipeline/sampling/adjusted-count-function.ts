/** OTTL's `AdjustedCount()`, for connectors that count spans: give it to `options.functions` of the span context. */
import { impureConverter } from '../ottl/functions/signature.ts'
import { fail } from '../ottl/problems.ts'
import { float } from '../ottl/values.ts'
import { adjustedCountOf } from './adjusted-count.ts'

export const adjustedCountFunction = impureConverter('AdjustedCount', {}, () => (frame) => {
  const count = adjustedCountOf(frame.span!.traceState)
  return count === undefined ? fail('failed to parse w3c tracestate') : float(count)
})
