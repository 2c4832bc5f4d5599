/** What every suite of the comparison gets and gives. */
import type { Oracle } from './oracle.ts'
import type { Program } from './program.ts'
import type { MissingType } from './types.ts'
import type { Disagreement, Finding } from './verdict.ts'

export interface Contest {
  readonly oracle: Program
  /** Vigil, or the oracle itself when the harness is tested. */
  readonly subject: Program
  readonly binaries: Oracle
  /** A folder of this run's own, removed afterwards. */
  readonly work: string
  readonly filter: string | undefined
  readonly say: (line: string) => void
}

export interface SuiteResult {
  readonly suite: string
  readonly cases: number
  readonly disagreements: readonly Disagreement[]
  /** Cases that had to be left out, and why. */
  readonly skipped: readonly string[]
  readonly missing?: readonly MissingType[]
  /** Figures worth a line each. */
  readonly notes?: readonly string[]
}

export function isWanted(name: string, { filter }: Contest): boolean {
  return filter === undefined || name.includes(filter)
}

export function name(suite: string, testCase: string, findings: readonly Finding[], yaml?: string): Disagreement[] {
  return findings.map((finding) => ({ suite, case: testCase, ...finding, ...(yaml === undefined ? {} : { yaml }) }))
}
