/** What is wrong with a statement, and where. Compiling collects every problem before it fails. */

export interface Problem {
  /** Which of the given statements, from 0. */
  readonly statement: number
  readonly text: string
  /** Inside the statement, from 1. */
  readonly line: number
  readonly column: number
  readonly message: string
}

export class CompileError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(describe).join('\n'))
    this.name = 'CompileError'
    this.problems = problems
  }
}

/** `1:5: what is wrong (in: set(nme, "x"))` */
function describe({ line, column, message, text }: Problem): string {
  return `${line}:${column}: ${message} (in: ${text})`
}

/** Thrown while one statement is read or compiled; `at` is an offset into its text. */
export class Fault extends Error {
  readonly at: number
  readonly others: readonly Fault[]

  constructor(at: number, message: string, others: readonly Fault[] = []) {
    super(message)
    this.at = at
    this.others = others
  }
}

/** A statement failed on one item; what the error mode decides about. */
class RuntimeError extends Error {
  override readonly name = 'OttlError'
}

export function fail(message: string): never {
  throw new RuntimeError(message)
}

export function toProblems(fault: Fault, statement: number, text: string): Problem[] {
  return [fault, ...fault.others].map(({ at, message }) => {
    const before = text.slice(0, at)
    const line = before.split('\n').length
    return { statement, text, line, column: at - before.lastIndexOf('\n'), message }
  })
}
