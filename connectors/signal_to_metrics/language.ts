/** The OTTL of this connector: where it runs, and what it knows beside the standard functions. */
import type { CompileOptions } from '../../pipeline/ottl/compile.ts'
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
import { adjustedCountFunction } from '../../pipeline/sampling/adjusted-count-function.ts'

/** The sections, and the context of each. */
export const contexts = {
  spans: 'span',
  datapoints: 'datapoint',
  logs: 'log',
} as const satisfies Record<string, ContextName>
export type Kind = keyof typeof contexts

export const optionsOf: CompileOptions = {
  functions: (context) => (context === 'span' ? [adjustedCountFunction] : []),
}
