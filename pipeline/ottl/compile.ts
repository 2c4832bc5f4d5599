/** Compiles statements, conditions and values for one context. Every problem of every statement is found before it fails. */
import type { Bool, Expression, Statement } from './ast.ts'
import { compileBool } from './compile/condition.ts'
import { ExpressionCompiler } from './compile/expression.ts'
import { inferContext, usesOf } from './compile/infer.ts'
import { type ContextName, contexts } from './contexts/contexts.ts'
import type { Frame } from './frame.ts'
import type { FunctionSpec } from './functions/signature.ts'
import { standardFunctions } from './functions/standard.ts'
import type { Getter } from './keys.ts'
import { parseCondition, parseStatement, parseValue } from './parser.ts'
import { CompileError, Fault, type Problem, toProblems } from './problems.ts'
import type { OttlValue } from './values.ts'

export type ErrorMode = 'ignore' | 'silent' | 'propagate'

export interface CompileOptions {
  /** Beside the standard ones; of the same name they replace those. */
  readonly functions?: readonly FunctionSpec[] | ((context: ContextName) => readonly FunctionSpec[])
  /** Whether paths may lack their context, which is then the one given. True unless it is inferred. */
  readonly allowsBarePaths?: boolean
  /** Those that may be inferred: of one signal, for one. Default: all. */
  readonly contexts?: readonly ContextName[]
}

interface Compiled {
  readonly text: string
  /** Paths with their context: `span.attributes["a"]`. Decides whether a view is enough. */
  readonly reads: ReadonlySet<string>
  readonly writes: ReadonlySet<string>
}
export interface CompiledStatement extends Compiled {
  /** Whether the condition held, so that the editor ran. Throws what fails. */
  run(frame: Frame): boolean
}
export interface CompiledCondition extends Compiled {
  readonly test: Getter<boolean>
}
export interface CompiledValue extends Compiled {
  readonly get: Getter<OttlValue>
}

export interface Group<C> {
  readonly context: ContextName
  readonly items: readonly C[]
  readonly reads: ReadonlySet<string>
  readonly writes: ReadonlySet<string>
}

/** Throws a CompileError. */
export function compileStatements(
  statements: readonly string[],
  context: ContextName | 'infer',
  options: CompileOptions = {},
): Group<CompiledStatement> {
  return compileAll(statements, context, options, parseStatement, partsOfStatement, finishStatement)
}

/** Throws a CompileError. */
export function compileConditions(
  conditions: readonly string[],
  context: ContextName | 'infer',
  options: CompileOptions = {},
): Group<CompiledCondition> {
  return compileAll(conditions, context, options, parseCondition, partsOfCondition, finishCondition)
}

/** Statements that run where one of the conditions holds, or everywhere without any. */
export interface ConditionalGroup extends Group<CompiledStatement> {
  readonly conditions: readonly CompiledCondition[]
}

/** Both have one context. Throws a CompileError, in which the numbers of the conditions follow those of the statements. */
export function compileGroup(
  statements: readonly string[],
  conditions: readonly string[],
  context: ContextName | 'infer',
  options: CompileOptions = {},
): ConditionalGroup {
  type Parsed = { readonly statement: Statement } | { readonly condition: Bool }
  const parse = (text: string, i: number): Parsed =>
    i < statements.length ? { statement: parseStatement(text) } : { condition: parseCondition(text) }
  const partsOf = (parsed: Parsed) =>
    'statement' in parsed ? partsOfStatement(parsed.statement) : partsOfCondition(parsed.condition)
  const finish = (parsed: Parsed, scope: ExpressionCompiler, done: Compiled) =>
    'statement' in parsed
      ? finishStatement(parsed.statement, scope, done)
      : finishCondition(parsed.condition, scope, done)
  const group = compileAll([...statements, ...conditions], context, options, parse, partsOf, finish)
  return {
    ...group,
    items: group.items.filter((item): item is CompiledStatement => 'run' in item),
    conditions: group.items.filter((item): item is CompiledCondition => 'test' in item),
  }
}

function partsOfStatement({ editor, where }: Statement): readonly (Bool | Expression)[] {
  return where === undefined ? [editor] : [editor, where]
}

function finishStatement(parsed: Statement, scope: ExpressionCompiler, done: Compiled): CompiledStatement {
  const faults: Fault[] = []
  const edit = attempt(faults, () => scope.call(parsed.editor))
  const where = parsed.where && attempt(faults, () => compileBool(parsed.where!, scope))
  rethrow(faults)
  if (where === undefined) {
    return {
      ...done,
      run(frame) {
        edit!(frame)
        return true
      },
    }
  }
  return {
    ...done,
    run(frame) {
      if (!where(frame)) return false
      edit!(frame)
      return true
    },
  }
}

function partsOfCondition(parsed: Bool): readonly Bool[] {
  return [parsed]
}

function finishCondition(parsed: Bool, scope: ExpressionCompiler, done: Compiled): CompiledCondition {
  return { ...done, test: compileBool(parsed, scope) }
}

/** Throws a CompileError. */
export function compileValue(
  value: string,
  context: ContextName | 'infer',
  options: CompileOptions = {},
): CompiledValue & { readonly context: ContextName } {
  const partsOf = (parsed: Expression) => [parsed]
  const group = compileAll([value], context, options, parseValue, partsOf, (parsed, scope, done) => ({
    ...done,
    get: scope.operand(parsed).get,
  }))
  return { ...group.items[0]!, context: group.context }
}

function compileAll<P, C extends Compiled>(
  texts: readonly string[],
  wanted: ContextName | 'infer',
  options: CompileOptions,
  parse: (text: string, index: number) => P,
  partsOf: (parsed: P) => readonly (Bool | Expression)[],
  finish: (parsed: P, scope: ExpressionCompiler, done: Compiled) => C,
): Group<C> {
  const problems: Problem[] = []
  const trying = <T>(index: number, run: () => T): T | undefined => {
    try {
      return run()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      problems.push(...toProblems(error, index, texts[index]!))
      return undefined
    }
  }
  const parsed = texts.map((text, i) => trying(i, () => parse(text, i)))
  const functionsIn = (name: ContextName) => functionsOf(name, options)
  let context: ContextName | undefined
  if (wanted !== 'infer') context = wanted
  else {
    // What does not parse says nothing of the context; the others' problems are told all the same.
    const read = parsed.filter((one) => one !== undefined)
    const found = inferContext(usesOf(read.flatMap(partsOf)), functionsIn, options.contexts)
    if ('context' in found) context = found.context
    else if (problems.length === 0) {
      // The first whose paths say nothing of where they belong.
      const at = read.findIndex((one) => usesOf(partsOf(one)).prefixes.size > 0)
      const statement = Math.max(0, at)
      problems.push({ statement, text: texts[statement] ?? '', line: 1, column: 1, message: found.problem })
    }
  }
  const items: C[] = []
  const reads = new Set<string>()
  const writes = new Set<string>()
  if (context !== undefined) {
    const allowsBare = options.allowsBarePaths ?? wanted !== 'infer'
    for (const [i, one] of parsed.entries()) {
      if (one === undefined) continue
      const scope = new ExpressionCompiler(contexts[context], functionsIn(context), allowsBare)
      const done = { text: texts[i]!, reads: scope.reads, writes: scope.writes }
      const item = trying(i, () => finish(one, scope, done))
      if (item !== undefined) items.push(item)
      for (const path of scope.reads) reads.add(path)
      for (const path of scope.writes) writes.add(path)
    }
  }
  if (problems.length > 0) throw new CompileError(problems.sort((a, b) => a.statement - b.statement))
  return { context: context!, items, reads, writes }
}

function functionsOf(context: ContextName, { functions = [] }: CompileOptions): ReadonlyMap<string, FunctionSpec> {
  const own = typeof functions === 'function' ? functions(context) : functions
  const standard = standardFunctions(context)
  return own.length === 0 ? standard : new Map([...standard, ...own.map((spec) => [spec.name, spec] as const)])
}

function attempt<T>(faults: Fault[], run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    faults.push(error)
    return undefined
  }
}

function rethrow(faults: readonly Fault[]): void {
  const [first, ...others] = faults
  if (first !== undefined)
    throw new Fault(first.at, first.message, [...first.others, ...others.flatMap((f) => [f, ...f.others])])
}
