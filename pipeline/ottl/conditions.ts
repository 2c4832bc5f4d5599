/** A list of conditions of which one must hold; what fails is logged, or thrown, as the error mode says. */
import type { CompiledCondition, ErrorMode } from './compile.ts'
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
        const why = error instanceof Error ? error.message : String(error)
        throw new StatementFailed(`failed to eval condition: ${condition.text}, ${why}`, { cause: error })
      }
    }
    return false
  }
}
