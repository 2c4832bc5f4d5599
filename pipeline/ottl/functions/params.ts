/** The kinds of parameters that functions have. "Like" kinds convert, the others insist. */
import type { Expression } from '../ast.ts'
import type { Accessor, MapHandle } from '../contexts/path.ts'
import { type Frame, noFrame } from '../frame.ts'
import type { Getter } from '../keys.ts'
import { parseFloatText, parseIntText } from '../numbers.ts'
import { fail } from '../problems.ts'
import { cachedRegex, Regex } from '../regex.ts'
import { type Duration, isDuration, isTime, type Time } from '../time.ts'
import { type Id, int, kindOf, type OttlMap, type OttlValue, toNumber, toText, typeName } from '../values.ts'
import { dynamic, type Operand, type Param } from './signature.ts'

function expected(wanted: string, value: OttlValue): never {
  fail(`expected ${wanted} but got ${typeName(value)}`)
}

export const any: Param<Getter> = {
  wants: 'a value',
  fromOperand: ({ get }) => get,
  build: (value, scope) => scope.operand(value).get,
}

export const text = dynamic('a string', (value) => (typeof value === 'string' ? value : expected('string', value)))

/** null for nil. */
export const textLike = dynamic('a string', toText)

export const whole = dynamic('an int', (value) =>
  kindOf(value) === 'int' ? (value as number | bigint) : expected('int64', value),
)

export const wholeLike = dynamic('an int', (value): number | bigint | null => {
  switch (kindOf(value)) {
    case 'nil':
      return null
    case 'int':
      return value as number | bigint
    case 'double': {
      const number = toNumber(value)
      return Number.isFinite(number) ? int(BigInt(Math.trunc(number))) : int(-(2n ** 63n))
    }
    case 'string':
      return parseIntText(value as string, 10) ?? null
    case 'bool':
      return value === true ? 1 : 0
    default:
      fail(`unsupported type: ${typeName(value)}`)
  }
})

/** A double as a plain number, which callers make a value of with `float`. */
export const fractionLike = dynamic('a number', (value): number | null => {
  switch (kindOf(value)) {
    case 'nil':
      return null
    case 'int':
    case 'double':
      return toNumber(value)
    case 'string':
      return (
        parseFloatText(value as string) ?? fail(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`)
      )
    case 'bool':
      return value === true ? 1 : 0
    default:
      fail(`unsupported type: ${typeName(value)}`)
  }
})

export const flag = dynamic('a bool', (value) => (typeof value === 'boolean' ? value : expected('bool', value)))

export const timeOf = dynamic('a time', (value): Time => (isTime(value) ? value : expected('time.Time', value)))

export const durationOf = dynamic(
  'a duration',
  (value): Duration => (isDuration(value) ? value : expected('time.Duration', value)),
)

export const map = dynamic(
  'a map',
  (value): OttlMap => (kindOf(value) === 'map' ? (value as OttlMap) : expected('pcommon.Map', value)),
)

export const list = dynamic('a list', (value): readonly OttlValue[] =>
  kindOf(value) === 'list' ? (value as readonly OttlValue[]) : expected('pcommon.Slice', value),
)

/** null for nil. Numbers are big-endian, as upstream writes them. */
export const bytesLike = dynamic('bytes', (value): Uint8Array | null => {
  switch (kindOf(value)) {
    case 'nil':
      return null
    case 'bytes':
      return value as Uint8Array
    case 'string':
      return Buffer.from(value as string)
    case 'bool':
      return Uint8Array.of(value === true ? 1 : 0)
    case 'int': {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(BigInt(value as number | bigint))
      return bytes
    }
    case 'double': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleBE(toNumber(value))
      return bytes
    }
    case 'id':
      return (value as Id).bytes
    default:
      fail(`unsupported type: ${typeName(value)}`)
  }
})

/** A path that is read and written. */
export const target: Param<Accessor> = { wants: 'a path', build: (value, scope) => scope.target(value) }

/** A path to a map that is changed in place. */
export const mapTarget: Param<(frame: Frame, change: (map: MapHandle) => void) => void> = {
  wants: 'a path to a map',
  build(value, scope) {
    const accessor = scope.target(value)
    return (frame, change) => accessor.editMap(frame, change)
  },
}

function literal<T>(wants: string, read: (value: Expression) => T | undefined): Param<T> {
  return {
    wants,
    build: (value) => read(value) ?? fail(`must be ${wants}`),
  }
}

export const literalText = literal('a string', (value) => (value.type === 'string' ? value.value : undefined))
export const literalInt = literal('an int', (value) => (value.type === 'int' ? value.value : undefined))
export const literalFraction = literal('a number', (value) =>
  value.type === 'float' ? value.value : value.type === 'int' ? Number(value.value) : undefined,
)
export const literalFlag = literal('a bool', (value) => (value.type === 'bool' ? value.value : undefined))

/** A list in the statement, each item by `of`. */
export function listOf<T>(of: Param<T>): Param<readonly T[]> {
  return {
    wants: `a list, each ${of.wants}`,
    build(value, scope) {
      if (value.type !== 'list') fail(`must be a list, each ${of.wants}`)
      return value.items.map((item) => of.build(item, scope))
    },
  }
}

/** A regex; a literal one is compiled once and wrong ones are problems of the statement. */
export const regex: Param<Getter<Regex>> = {
  wants: 'a regex',
  build(value, scope) {
    const operand = scope.operand(value)
    if (!operand.isConstant) return fromPattern(text.fromOperand!(operand))
    const pattern = operand.get(noFrame)
    if (typeof pattern !== 'string') return fromPattern(text.fromOperand!(operand))
    const compiled = new Regex(pattern)
    return () => compiled
  },
}

function fromPattern(pattern: Getter<string>): Getter<Regex> {
  return (frame) => cachedRegex(pattern(frame))
}

/** The name of a converter that takes one value: `SHA256`. */
export const functionOf: Param<(argument: Getter) => Getter> = {
  wants: 'the name of a converter',
  build(value, scope) {
    if (value.type !== 'enum') fail('invalid function name given')
    const spec = scope.functionNamed(value.name, value.at)
    const [first, ...others] = Object.keys(spec.params)
    const param = first === undefined ? undefined : spec.params[first]
    if (param?.fromOperand === undefined || others.some((name) => spec.params[name]!.isOptional !== true)) {
      fail(`${spec.name} does not take exactly one value`)
    }
    const build = param.fromOperand.bind(param) as (operand: Operand) => unknown
    return (argument) => spec.make({ [first!]: build({ get: argument, isConstant: false }) })
  },
}
