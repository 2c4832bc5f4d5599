/** Random OTLP requests for property tests, made from the official .proto files, with unknown fields sprinkled in. */
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { referenceType } from './proto/reference.ts'
import type { Signal } from './telemetry.ts'

export type Decoded = Record<string, unknown>

const maxDepth = 14
const ids: Readonly<Record<string, number>> = { traceId: 16, spanId: 8, parentSpanId: 8, profileId: 16 }

/** An encoded request. */
export function otlpRequest(signal: Signal): fc.Arbitrary<Uint8Array> {
  const type = referenceType(signal)
  return message(type, 0).map((object) => Uint8Array.from(type.encode(object as protobuf.Message).finish()))
}

const cache = new Map<string, fc.Arbitrary<object>>()

function message(type: protobuf.Type, depth: number): fc.Arbitrary<object> {
  const name = `${type.fullName} ${depth}`
  let known = cache.get(name)
  if (known === undefined) cache.set(name, (known = build(type, depth)))
  return known
}

function build(type: protobuf.Type, depth: number): fc.Arbitrary<object> {
  const oneofs = new Map<string, [string, fc.Arbitrary<unknown>][]>()
  const fields: Record<string, fc.Arbitrary<unknown>> = {}
  for (const field of type.fieldsArray) {
    field.resolve()
    // Our own profiles keep string indices only; elsewhere OTLP forbids these two.
    if (field.name.endsWith('Strindex')) continue
    const nested = field.resolvedType instanceof protobuf.Type
    if (nested && depth >= maxDepth) continue
    const one = single(field, depth)
    const synthetic = field.partOf === null || field.partOf?.isProto3Optional === true
    if (!synthetic) {
      const members = oneofs.get(field.partOf!.name) ?? []
      members.push([field.name, one])
      oneofs.set(field.partOf!.name, members)
    } else fields[field.name] = field.repeated ? fc.array(one, { maxLength: nested && depth > 2 ? 2 : 3 }) : one
  }
  const parts: fc.Arbitrary<object>[] = [fc.record(fields, { requiredKeys: [] })]
  for (const members of oneofs.values()) {
    parts.push(fc.oneof(fc.constant({}), ...members.map(([name, value]) => value.map((v) => ({ [name]: v })))))
  }
  const unknowns = fc.option(unknownField, { nil: undefined, freq: 6 })
  return fc.tuple(fc.tuple(...parts), unknowns).map(([list, unknown]) => {
    const object = type.create(Object.assign({}, ...list)) as unknown as Decoded
    if (unknown !== undefined) object['$unknowns'] = [unknown]
    return object
  })
}

/** A field number that OTLP does not use, with each wire type. */
const unknownField = fc
  .tuple(fc.constantFrom(30, 31, 32, 99, 200, 5000), fc.constantFrom(0, 1, 2, 5), fc.uint8Array({ maxLength: 20 }))
  .map(([number, wire, bytes]) => {
    const writer = protobuf.Writer.create().uint32(((number << 3) | wire) >>> 0)
    if (wire === 0) writer.uint64(bytes.length * 12345)
    else if (wire === 1) writer.double(bytes.length)
    else if (wire === 2) writer.bytes(bytes)
    else writer.fixed32(bytes.length)
    return Uint8Array.from(writer.finish())
  })

function single(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const { resolvedType } = field
  if (resolvedType instanceof protobuf.Type) return message(resolvedType, depth + 1)
  if (resolvedType instanceof protobuf.Enum) return fc.constantFrom(...Object.values(resolvedType.values))
  switch (field.type) {
    case 'string':
      return fc.oneof(
        fc.constantFrom('a', 'service.name', 'http.route', ''),
        fc.string({ unit: 'grapheme', maxLength: 60 }),
      )
    case 'bytes': {
      const length = ids[field.name]
      if (length === undefined) return fc.uint8Array({ maxLength: 30 })
      return fc.oneof(fc.uint8Array({ minLength: length, maxLength: length }), fc.constant(new Uint8Array(0)))
    }
    case 'bool':
      return fc.boolean()
    case 'double':
      return fc.oneof(fc.double(), fc.constantFrom(0, 1, -0, 3, 1e300, Number.NaN))
    case 'uint32':
    case 'fixed32':
      return fc.nat({ max: 0xffff_ffff })
    case 'int32':
    case 'sint32':
      return fc.integer()
    default:
      return long(field.type)
  }
}

/** int64 and its kin, as the Long objects that protobufjs reads. */
function long(type: string): fc.Arbitrary<unknown> {
  const unsigned = type === 'uint64' || type === 'fixed64'
  const wide = unsigned
    ? fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    : fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const near = fc.integer({ min: unsigned ? 0 : -1000, max: 1000 }).map(BigInt)
  return fc.oneof(wide, near).map((n) => ({
    low: Number(BigInt.asIntN(32, n)),
    high: Number(BigInt.asIntN(32, n >> 32n)),
    unsigned,
  }))
}

/** A decoded message as plain data that `deepEqual` can compare: longs as bigints, bytes in hex, unknown fields kept, defaults left out. */
export function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  if (isLong(value)) return toBigint(value)
  const plain: Decoded = {}
  for (const [key, of] of Object.entries(value)) plain[key] = comparable(of)
  const unknowns = (value as Decoded)['$unknowns'] as Uint8Array[] | undefined
  if (unknowns !== undefined && unknowns.length > 0) plain['$unknowns'] = unknowns.map(comparable)
  return plain
}

function isLong(value: object): value is { low: number; high: number; unsigned: boolean } {
  return 'low' in value && 'high' in value && 'unsigned' in value
}

export function toBigint(value: unknown): bigint {
  if (typeof value === 'number') return BigInt(value)
  const { low, high, unsigned } = value as { low: number; high: number; unsigned: boolean }
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
  return unsigned ? bits : BigInt.asIntN(64, bits)
}

export function decode(signal: Signal, chunks: readonly Uint8Array[]): Decoded {
  return referenceType(signal).decode(Buffer.concat(chunks)) as unknown as Decoded
}
