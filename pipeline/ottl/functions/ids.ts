/** Converters to ids, random ids, and what only spans have. */
import { fail } from '../problems.ts'
import { Id, kindOf } from '../values.ts'
import { any } from './params.ts'
import { converter, impureConverter } from './signature.ts'

function idFrom(name: string, kind: Id['kind'], bytes: number) {
  return converter(name, { target: any }, ({ target }) => (frame) => {
    const value = target(frame)
    if (typeof value === 'string') {
      if (value.length !== bytes * 2) fail(`${name}: length must be ${bytes * 2} hex characters, got ${value.length}`)
      if (!/^[0-9a-fA-F]*$/.test(value)) fail(`${name}: ${JSON.stringify(value)} is not hexadecimal`)
      return new Id(kind, value.toLowerCase())
    }
    if (kindOf(value) !== 'bytes') fail(`${name}: takes bytes or a string of hex characters`)
    const of = value as Uint8Array
    if (of.length !== bytes) fail(`${name}: length must be ${bytes} bytes, got ${of.length}`)
    return new Id(kind, Buffer.from(of).toString('hex'))
  })
}

/** RFC 9562; the random bits from the host, so that a replay repeats them. */
function uuid(version: 4 | 7, random: () => number, unixMs: bigint): string {
  const bytes = Buffer.alloc(16)
  for (let i = 0; i < 16; i++) bytes[i] = Math.floor(random() * 256)
  if (version === 7) bytes.writeUIntBE(Number(BigInt.asUintN(48, unixMs)), 0, 6)
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

export const idFunctions = [
  idFrom('TraceID', 'trace', 16),
  idFrom('SpanID', 'span', 8),
  idFrom('ProfileID', 'profile', 16),
  impureConverter(
    'UUID',
    {},
    () =>
      ({ host }) =>
        uuid(4, () => host.random(), 0n),
  ),
  impureConverter(
    'UUIDv7',
    {},
    () =>
      ({ host }) =>
        uuid(7, () => host.random(), host.nowUnixNano() / 1_000_000n),
  ),
] as const

/** In the span context only. */
export const isRootSpan = impureConverter('IsRootSpan', {}, () => (frame) => frame.span!.parentSpanId === '')
