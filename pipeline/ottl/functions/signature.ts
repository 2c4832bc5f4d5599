/** How a function declares its parameters: each kind of parameter says how an argument becomes what the function works with. */
import { errorMessage } from '../../error-message.ts'
import type { Argument, Expression } from '../ast.ts'
import type { Accessor } from '../contexts/path.ts'
import { type Frame, noFrame } from '../frame.ts'
import type { Getter } from '../keys.ts'
import { Fault } from '../problems.ts'
import type { OttlValue } from '../values.ts'

/** A compiled expression. */
export interface Operand {
  readonly get: Getter
  /** The same for every item, so that it is computed once. */
  readonly isConstant: boolean
  /** Where that can be told without computing the value. */
  readonly isNil?: Getter<boolean>
}

/** What parameters may ask of the compiler. */
export interface Scope {
  operand(expression: Expression): Operand
  /** A path to write to. */
  target(expression: Expression): Accessor
  functionNamed(name: string, at: number): FunctionSpec
}

export interface Param<T> {
  /** For messages: `must be ...`. */
  readonly wants: string
  readonly isOptional?: boolean
  build(value: Expression, scope: Scope): T
  /** From a value that is computed elsewhere, for functions passed as arguments. */
  fromOperand?(operand: Operand): T
}
export type Params = Readonly<Record<string, Param<unknown>>>
export type Args<P extends Params> = { readonly [K in keyof P]: P[K] extends Param<infer T> ? T : never }

export interface FunctionSpec {
  readonly name: string
  readonly params: Params
  /** Depends on more than its arguments: clock, chance, the item. */
  readonly isImpure: boolean
  /** Adds metrics, or changes the type or the points of one: see `metricEditor`. */
  readonly rewritesMetrics?: boolean
  make(args: Readonly<Record<string, unknown>>): Getter
}

/** An editor, whose name begins in lower case. */
export function editor<P extends Params>(
  name: string,
  params: P,
  make: (args: Args<P>) => (frame: Frame) => void,
): FunctionSpec {
  return define(name, params, true, (args) => {
    const run = make(args)
    return (frame) => {
      run(frame)
      return null
    }
  })
}

/** A converter. `make` may throw an Error for arguments that can never work: that is a problem of the statement. */
export function converter<P extends Params>(name: string, params: P, make: (args: Args<P>) => Getter): FunctionSpec {
  return define(name, params, false, make)
}

export function impureConverter<P extends Params>(
  name: string,
  params: P,
  make: (args: Args<P>) => Getter,
): FunctionSpec {
  return define(name, params, true, make)
}

function define<P extends Params>(
  name: string,
  params: P,
  isImpure: boolean,
  make: (args: Args<P>) => Getter,
): FunctionSpec {
  return { name, params, isImpure, make: (args) => make(args as Args<P>) }
}

export function optional<T>(param: Param<T>): Param<T | undefined> {
  const fromOperand = param.fromOperand?.bind(param)
  return {
    wants: param.wants,
    isOptional: true,
    build: (value, scope) => param.build(value, scope),
    ...(fromOperand && { fromOperand }),
  }
}

/** `resolveConflicts` and `resolve_conflicts` are the same name. */
function sameName(a: string, b: string): boolean {
  return plainName(a) === plainName(b)
}

function plainName(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/** Builds a function's arguments by position and name; every problem in them is reported. */
export function buildArguments(spec: FunctionSpec, args: readonly Argument[], at: number, scope: Scope) {
  const names = Object.keys(spec.params)
  const required = names.filter((name) => spec.params[name]!.isOptional !== true).length
  if (args.length < required || args.length > names.length) {
    const wanted = required === names.length ? String(required) : `${required} to ${names.length}`
    throw new Fault(
      at,
      `${spec.name}: incorrect number of arguments. Expected: ${wanted} (${names.join(', ') || 'none'}) Received: ${args.length}`,
    )
  }
  const built: Record<string, unknown> = {}
  const faults: Fault[] = []
  let seenNamed = false
  for (const [i, arg] of args.entries()) {
    try {
      if (arg.name === undefined && seenNamed) {
        throw new Fault(arg.at, `${spec.name}: unnamed argument used after named argument`)
      }
      seenNamed ||= arg.name !== undefined
      const name = arg.name === undefined ? names[i]! : names.find((known) => sameName(known, arg.name!))
      if (name === undefined)
        throw new Fault(arg.at, `${spec.name}: no such parameter: ${arg.name!}; it has ${names.join(', ')}`)
      if (name in built) throw new Fault(arg.at, `${spec.name}: ${name} is given twice`)
      built[name] = undefined
      built[name] = buildArgument(spec, name, i, arg, scope)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      faults.push(error)
    }
  }
  for (const name of names) {
    if (spec.params[name]!.isOptional !== true && !(name in built) && faults.length === 0) {
      faults.push(new Fault(at, `${spec.name}: the argument ${name} is missing`))
    }
  }
  const [first, ...others] = faults.flatMap((fault) => [fault, ...fault.others])
  if (first !== undefined) throw new Fault(first.at, first.message, others)
  return built
}

function buildArgument(spec: FunctionSpec, name: string, i: number, arg: Argument, scope: Scope): unknown {
  const param = spec.params[name]!
  try {
    return param.build(arg.value, scope)
  } catch (error) {
    if (error instanceof Fault) throw error
    const why = errorMessage(error)
    throw new Fault(arg.value.at, `${spec.name}: invalid argument at position ${i} (${name}): ${why}`)
  }
}

/** A parameter that is computed per item, checked by `convert`; of a constant that is done once. */
export function dynamic<T>(wants: string, convert: (value: OttlValue) => T): Param<Getter<T>> {
  const fromOperand = ({ get, isConstant }: Operand): Getter<T> => {
    if (!isConstant) return (frame) => convert(get(frame))
    // A literal of the wrong type fails at run time, as upstream has it: the error mode decides.
    try {
      const value = convert(get(noFrame))
      return () => value
    } catch {
      return (frame) => convert(get(frame))
    }
  }
  return { wants, fromOperand, build: (value, scope) => fromOperand(scope.operand(value)) }
}
