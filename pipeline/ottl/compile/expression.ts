/** Expressions as closures over the frame. Constant parts are computed once, here. */

import { didYouMean } from '../../config/suggest.ts'
import { errorMessage } from '../../error-message.ts'
import type { Call, Expression, Path } from '../ast.ts'
import type { OttlContext } from '../contexts/contexts.ts'
import { type Accessor, accessor, type PathSpec, type PathTable } from '../contexts/path.ts'
import { noFrame } from '../frame.ts'
import { buildArguments, type FunctionSpec, type Operand, type Scope } from '../functions/signature.ts'
import { type Getter, type IndexKey, indexResult } from '../keys.ts'
import { calculate } from '../math.ts'
import { Fault } from '../problems.ts'
import { define, float, int, type OttlValue } from '../values.ts'

export class ExpressionCompiler implements Scope {
  /** Paths as written with their context, keys that are literals included: `span.attributes["a"]`. */
  readonly reads = new Set<string>()
  readonly writes = new Set<string>()
  private readonly context: OttlContext
  private readonly functions: ReadonlyMap<string, FunctionSpec>
  /** Legacy statements have no prefix: the context is known without it. */
  private readonly allowsBare: boolean
  /** Whether what is being compiled depends on the item. */
  private isVariable = false

  constructor(context: OttlContext, functions: ReadonlyMap<string, FunctionSpec>, allowsBare: boolean) {
    this.context = context
    this.functions = functions
    this.allowsBare = allowsBare
  }

  operand(expression: Expression): Operand {
    if (expression.type === 'path') {
      const { get, isNil } = this.read(expression)
      return isNil === undefined ? { get, isConstant: false } : { get, isConstant: false, isNil }
    }
    const outer = this.isVariable
    this.isVariable = false
    const get = this.compile(expression)
    const isConstant = !this.isVariable
    this.isVariable ||= outer
    return { get: isConstant ? folded(get) : get, isConstant }
  }

  target(expression: Expression): Accessor {
    if (expression.type !== 'path') throw new Fault(expression.at, 'must be a path')
    this.isVariable = true
    const { found, name } = this.access(expression)
    // What is edited in place is read as well.
    this.reads.add(name)
    this.writes.add(name)
    return found
  }

  functionNamed(name: string, at: number): FunctionSpec {
    const spec = this.functions.get(name)
    if (spec === undefined)
      throw new Fault(at, `undefined function "${name}"${didYouMean(name, this.functions.keys())}`)
    return spec
  }

  call(call: Call): Getter {
    const spec = this.functionNamed(call.name, call.at)
    const outer = this.isVariable
    this.isVariable = spec.isImpure
    if (spec.rewritesMetrics === true) this.writes.add('metric')
    const args = buildArguments(spec, call.args, call.at, this)
    let get: Getter
    try {
      get = spec.make(args)
    } catch (error) {
      if (error instanceof Fault) throw error
      throw new Fault(call.at, `${spec.name}: ${errorMessage(error)}`)
    }
    const keys = call.keys.map((key) => this.key(key))
    const result: Getter = keys.length === 0 ? get : (frame) => indexResult(get(frame), keys, frame)
    const isConstant = !this.isVariable
    this.isVariable ||= outer
    return isConstant ? folded(result) : result
  }

  private compile(expression: Expression): Getter {
    switch (expression.type) {
      case 'nil':
        return () => null
      case 'string':
      case 'bool':
      case 'bytes': {
        const { value } = expression
        return () => value
      }
      case 'int': {
        const value = int(expression.value)
        return () => value
      }
      case 'float': {
        const value = float(expression.value)
        return () => value
      }
      case 'enum':
        return this.enum(expression.name, expression.at)
      case 'path':
        return this.read(expression).get
      case 'call':
        return this.call(expression)
      case 'list': {
        const items = expression.items.map((item) => this.operand(item).get)
        return (frame) => items.map((get) => get(frame))
      }
      case 'map': {
        const items = expression.items.map(({ key, value }) => [key, this.operand(value).get] as const)
        return (frame) => {
          const map: { [key: string]: OttlValue } = {}
          for (const [key, get] of items) define(map, key, get(frame))
          return map
        }
      }
      case 'math': {
        const { op } = expression
        const left = this.operand(expression.left).get
        const right = this.operand(expression.right).get
        return (frame) => calculate(left(frame), right(frame), op)
      }
    }
  }

  private read(path: Path): Accessor {
    this.isVariable = true
    const { found, name } = this.access(path)
    this.reads.add(name)
    return found
  }

  private enum(name: string, at: number): Getter {
    const value = Object.hasOwn(this.context.enums, name) ? this.context.enums[name] : undefined
    if (value === undefined) {
      const hint = this.functions.has(name)
        ? `; call it: ${name}(...)`
        : didYouMean(name, Object.keys(this.context.enums)) || endingIn(name, Object.keys(this.context.enums))
      throw new Fault(at, `enum symbol ${name} not found in the ${this.context.name} context${hint}`)
    }
    return () => value
  }

  private access(path: Path): { found: Accessor; name: string } {
    const { root, rest } = this.root(path)
    const first = rest[0]
    const { roots } = this.context
    if (first === undefined) {
      const { self } = roots[root]!
      if (self === undefined || path.fields[0]!.keys.length > 0) {
        throw new Fault(
          path.at,
          `"${root}" is a context, not a path: name one of its fields, like ${root}.${Object.keys(roots[root]!.paths)[0]!}`,
        )
      }
      return { found: accessor(self, [], root), name: root }
    }
    if (root === path.fields[0]!.name && rest.length < path.fields.length && path.fields[0]!.keys.length > 0) {
      throw new Fault(path.fields[0]!.at, `the context "${root}" cannot be indexed`)
    }
    let spec: PathSpec | undefined
    let table: PathTable | undefined = roots[root]!.paths
    let name = root
    for (const [i, field] of rest.entries()) {
      spec = table !== undefined && Object.hasOwn(table, field.name) ? table[field.name] : undefined
      if (spec === undefined) {
        const known = table === undefined ? [] : Object.keys(table)
        // The first of several may be meant as a context.
        if (i === 0 && rest.length > 1) known.push(...Object.keys(roots))
        const hint = table === undefined ? `; "${name}" has no parts` : didYouMean(field.name, known)
        throw new Fault(
          field.at,
          `segment "${field.name}" is not a valid path nor a valid part of ${name} in the ${this.context.name} context${hint}`,
        )
      }
      name += `.${field.name}`
      const isLast = i === rest.length - 1
      if (field.keys.length > 0 && (!isLast || (spec.index === undefined && spec.entry === undefined))) {
        throw new Fault(field.keys[0]!.at, `the path "${name}" does not support indexing`)
      }
      table = spec.next
    }
    const keys = rest.at(-1)!.keys.map((key) => this.key(key))
    for (const { literal } of keys) if (literal !== undefined) name += `[${JSON.stringify(String(literal))}]`
    return { found: accessor(spec!, keys, name), name }
  }

  /** The context of a path and what follows it. */
  private root(path: Path): { root: string; rest: Path['fields'] } {
    const [first] = path.fields
    const { roots, name } = this.context
    if (Object.hasOwn(roots, first!.name) && (path.fields.length > 1 || !this.isOwnField(first!.name))) {
      return { root: first!.name, rest: path.fields.slice(1) }
    }
    if (this.allowsBare) return { root: name, rest: path.fields }
    const text = path.fields.map((field) => field.name).join('.')
    if (this.isOwnField(first!.name))
      throw new Fault(path.at, `missing context name for path "${text}": write ${name}.${text}`)
    throw new Fault(
      path.at,
      `context "${first!.name}" from path "${text}" is not valid in the ${name} context, it must be replaced by one of: ${Object.keys(roots).join(', ')}${didYouMean(first!.name, Object.keys(roots))}`,
    )
  }

  private isOwnField(field: string): boolean {
    const { roots, name } = this.context
    return Object.hasOwn(roots[name]!.paths, field)
  }

  private key(expression: Expression): IndexKey {
    if (expression.type === 'string') return { literal: expression.value, get: () => expression.value }
    if (expression.type === 'int') {
      const index = int(expression.value)
      return { literal: index, get: () => index }
    }
    try {
      return { literal: undefined, get: this.operand(expression).get }
    } catch (error) {
      const word = wordOf(expression)
      if (!(error instanceof Fault) || word === undefined) throw error
      throw new Fault(error.at, `${error.message}; a key is written in quotes: ["${word}"]`)
    }
  }
}

/** What stands where a key in quotes may be meant: `[env]`. */
function wordOf(expression: Expression): string | undefined {
  if (expression.type !== 'path' || expression.fields.length > 1) return undefined
  return expression.fields[0]!.keys.length > 0 ? undefined : expression.fields[0]!.name
}

/** `ERROR` for `STATUS_CODE_ERROR`. */
function endingIn(name: string, symbols: readonly string[]): string {
  const found = symbols.filter((symbol) => symbol.endsWith(`_${name}`))
  return found.length === 0 ? '' : `; did you mean "${found.join('" or "')}"?`
}

/** Computes a constant; one that fails does so whenever it is asked for. */
function folded(get: Getter): Getter {
  let value: OttlValue
  try {
    value = get(noFrame)
  } catch {
    return get
  }
  return () => value
}
