/** A list of conditions of which one must hold; what fails is logged, or thrown, as the error mode says. */
import { errorMessage } from '../error-message.ts'
import { type CompiledCondition, type CompileOptions, compileConditions, type ErrorMode } from './compile.ts'
import type { ContextName } from './contexts/contexts.ts'
import { type Failures, StatementFailed } from './failures.ts'
import type { Frame } from './frame.ts'

export class Conditions {
  private readonly conditions: readonly CompiledCondition[]
  private readonly failures: Failures
  private readonly propagates: boolean

  constructor(conditions: readonly CompiledCondition[], errorMode: ErrorMode, failures: Failures) {
    this.conditions = conditions
    this.failures = failures
    this.propagates = errorMode === 'propagate'
  }

  /** Whether one of them holds; one that fails does not. Throws where errors propagate. */
  test(frame: Frame): boolean {
    for (const condition of this.conditions) {
      try {
        if (condition.test(frame)) return true
      } catch (error) {
        this.failures.add(condition.text, error)
        if (!this.propagates) continue
        const why = errorMessage(error)
        throw new StatementFailed(`failed to eval condition: ${condition.text}, ${why}`, { cause: error })
      }
    }
    return false
  }
}

interface Language {
  readonly context: ContextName
  readonly options?: CompileOptions
}

/** Of texts that stand in a configuration; undefined where there are none. Throws a `CompileError`. */
export function conditionsOf(
  texts: readonly string[],
  { context, options }: Language,
  errorMode: ErrorMode,
  failures: Failures,
): Conditions | undefined {
  if (texts.length === 0) return undefined
  return new Conditions(compileConditions(texts, context, options).items, errorMode, failures)
}
