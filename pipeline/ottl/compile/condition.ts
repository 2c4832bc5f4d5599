/** Boolean expressions as closures. Comparisons of a string with a literal, the commonest, have a short way. */
import type { Bool, CompareOp, Expression } from '../ast.ts'
import { compare } from '../compare.ts'
import { noFrame } from '../frame.ts'
import type { Operand } from '../functions/signature.ts'
import type { Getter } from '../keys.ts'
import { fail } from '../problems.ts'
import { typeName } from '../values.ts'
import type { ExpressionCompiler } from './expression.ts'

export function compileBool(bool: Bool, scope: ExpressionCompiler): Getter<boolean> {
  switch (bool.type) {
    case 'constant': {
      const { value } = bool
      return () => value
    }
    case 'not': {
      const operand = compileBool(bool.operand, scope)
      return (frame) => !operand(frame)
    }
    case 'and':
    case 'or':
      return chain(
        bool.type === 'or',
        bool.operands.map((operand) => compileBool(operand, scope)),
      )
    case 'converter': {
      const get = scope.operand(bool.call).get
      const { name } = bool.call
      return (frame) => {
        const value = get(frame)
        return typeof value === 'boolean'
          ? value
          : fail(`value returned from converter ${name} in constant expression must be bool but got ${typeName(value)}`)
      }
    }
    case 'compare':
      return comparison(bool.left, bool.right, bool.op, scope)
  }
}

function chain(stopsAt: boolean, operands: readonly Getter<boolean>[]): Getter<boolean> {
  const [a, b] = operands
  if (operands.length === 2) return stopsAt ? (frame) => a!(frame) || b!(frame) : (frame) => a!(frame) && b!(frame)
  return (frame) => {
    for (const operand of operands) if (operand(frame) === stopsAt) return stopsAt
    return !stopsAt
  }
}

function comparison(left: Expression, right: Expression, op: CompareOp, scope: ExpressionCompiler): Getter<boolean> {
  const a = scope.operand(left)
  const b = scope.operand(right)
  const fast = op === '==' || op === '!=' ? withLiteral(a, b, op === '==') : undefined
  if (fast !== undefined) return fast
  return (frame) => compare(a.get(frame), b.get(frame), op)
}

function withLiteral(a: Operand, b: Operand, wanted: boolean): Getter<boolean> | undefined {
  if (a.isConstant === b.isConstant) return undefined
  const [literal, { get, isNil }] = a.isConstant ? [a.get, b] : [b.get, a]
  let value: unknown
  try {
    value = literal(noFrame)
  } catch {
    return undefined
  }
  if (value === null && isNil !== undefined) return wanted ? isNil : (frame) => !isNil(frame)
  if (typeof value === 'number') return withInt(value, get, wanted)
  if (typeof value !== 'string' && typeof value !== 'boolean' && value !== null) return undefined
  return (frame) => (get(frame) === value) === wanted
}

function withInt(value: number, get: Getter, wanted: boolean): Getter<boolean> {
  return (frame) => {
    const other = get(frame)
    if (typeof other === 'number') return (other === value) === wanted
    return compare(other, value, '==') === wanted
  }
}
