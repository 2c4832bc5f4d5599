/** Specs of scalar fields: what may be set into them, and how it is checked. */
import type { Frame } from '../frame.ts'
import { fail } from '../problems.ts'
import { isTime, Time } from '../time.ts'
import { Id, int, kindOf, type OttlValue, toNumber, typeName } from '../values.ts'
import type { PathSpec, PathTable } from './path.ts'

export function expects(wanted: string, value: OttlValue): never {
  fail(value === null ? 'setting a value to nil is not supported' : `expects ${wanted} but got ${typeName(value)}`)
}

export function asText(value: OttlValue): string {
  return typeof value === 'string' ? value : expects('string', value)
}

export function asInt(value: OttlValue): number | bigint {
  return kindOf(value) === 'int' ? (value as number | bigint) : expects('int64', value)
}

export function asFloat(value: OttlValue): number {
  return kindOf(value) === 'double' ? toNumber(value) : expects('float64', value)
}

export function asBool(value: OttlValue): boolean {
  return typeof value === 'boolean' ? value : expects('bool', value)
}

export function textSpec(get: (frame: Frame) => string, set?: (frame: Frame, value: string) => void): PathSpec {
  return set === undefined ? { get } : { get, set: (frame, value) => set(frame, asText(value)) }
}

/** A uint32 or an enum: what is set is cut to 32 bits, as upstream casts it. */
export function countSpec(get: (frame: Frame) => number, set?: (frame: Frame, value: number) => void): PathSpec {
  if (set === undefined) return { get }
  return { get, set: (frame, value) => set(frame, Number(BigInt.asUintN(32, BigInt(asInt(value))))) }
}

/** `name` as a time.Time and `name_unix_nano` as an int. */
export function timeSpecs(
  name: string,
  get: (frame: Frame) => bigint,
  set: (frame: Frame, nanos: bigint) => void,
): PathTable {
  return {
    [name]: {
      get: (frame) => new Time(BigInt.asIntN(64, get(frame))),
      set: (frame, value) => set(frame, isTime(value) ? BigInt.asUintN(64, value.nanos) : expects('time.Time', value)),
    },
    [`${name}_unix_nano`]: {
      get: (frame) => int(get(frame)),
      set: (frame, value) => set(frame, BigInt.asUintN(64, BigInt(asInt(value)))),
    },
  }
}

export function idSpec(
  kind: 'trace' | 'span',
  get: (frame: Frame) => string,
  set: (frame: Frame, hex: string) => void,
): PathSpec {
  const digits = kind === 'trace' ? 32 : 16
  const goType = kind === 'trace' ? 'pcommon.TraceID' : 'pcommon.SpanID'
  return {
    get: (frame) => new Id(kind, get(frame)),
    set: (frame, value) =>
      set(frame, value instanceof Id && value.kind === kind ? value.onWire : expects(goType, value)),
    next: {
      string: {
        get: (frame) => new Id(kind, get(frame)).hex,
        set(frame, value) {
          const text = asText(value)
          if (text.length !== digits)
            fail(`${kind === 'trace' ? 'traces' : 'span'} ids must be ${digits} hex characters`)
          if (!/^[0-9a-fA-F]+$/.test(text)) fail(`${JSON.stringify(text)} is not hexadecimal`)
          set(frame, new Id(kind, text.toLowerCase()).onWire)
        },
      },
    },
  }
}
