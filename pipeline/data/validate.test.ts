import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { Rejected } from '../component.ts'
import { noOrigin } from './batch.ts'
import { comparable, decode, otlpRequest } from './otlp.arbitrary.ts'
import { referenceRoot } from './proto/reference.ts'
import { observeRepairs, readOtlp } from './read-otlp.ts'
import { parseField, request, schema } from './schema.ts'
import type { Attributes, Signal } from './telemetry.ts'
import { validate } from './validate.ts'

const signals: readonly Signal[] = ['traces', 'logs', 'metrics', 'profiles']

function field(number: number, bytes: Uint8Array): Uint8Array {
  return protobuf.Writer.create()
    .uint32((number << 3) | 2)
    .bytes(bytes)
    .finish()
}
/** A request with one span that has these bytes. */
function spanRequest(span: Uint8Array): Uint8Array {
  return Uint8Array.from(field(1, field(2, field(2, span))))
}
function refused(bytes: Uint8Array, signal: Signal = 'traces'): string {
  try {
    validate(signal, bytes)
  } catch (error) {
    assert.ok(error instanceof Rejected)
    assert.equal(error.retryable, false)
    assert.equal(error.grpcCode, 3)
    return error.message
  }
  assert.fail('accepted')
}

describe('the schema', () => {
  const wire: Record<string, string> = {
    string: 'string',
    bytes: 'bytes',
    double: 'fixed64',
    fixed64: 'fixed64',
    sfixed64: 'fixed64',
    fixed32: 'fixed32',
  }

  it('says what the official .proto files say', () => {
    const seen = new Set<string>()
    const visit = (type: protobuf.Type, name: string) => {
      if (seen.has(name)) return
      seen.add(name)
      const fields = schema[name]
      assert.ok(fields, `no ${name}`)
      for (const f of type.fieldsArray) {
        f.resolve()
        const { kind, repeated, oneof } = parseField(fields[f.id] ?? '')
        const where = `${name}.${f.name}`
        assert.equal(repeated, f.repeated, where)
        if (f.resolvedType instanceof protobuf.Type) {
          assert.ok(kind in schema, where)
          visit(f.resolvedType, kind)
        } else assert.equal(kind.startsWith('id') ? 'bytes' : kind, wire[f.type] ?? 'varint', where)
        const synthetic = f.partOf === null || f.partOf?.isProto3Optional === true
        assert.equal(oneof !== undefined, !synthetic, where)
      }
      assert.equal(Object.keys(fields).length, type.fieldsArray.length, name)
    }
    for (const name of Object.values(request)) visit(referenceRoot().lookupType(name), name)
    assert.deepEqual(new Set(Object.keys(schema)), seen)
  })
})

describe('validate', () => {
  for (const signal of signals) {
    it(`${signal}: accepts every request, and after damage only what protobufjs decodes too`, () => {
      fc.assert(
        fc.property(
          otlpRequest(signal),
          fc.nat(),
          fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 }),
          (bytes, cut, flips) => {
            validate(signal, bytes)
            const damaged = Uint8Array.from(bytes)
            for (const [at, value] of flips) damaged[at % Math.max(1, damaged.length)] = value
            const cases = [bytes.slice(0, cut % (bytes.length + 1)), damaged]
            for (const broken of cases) {
              let batch: { readonly chunks: readonly Uint8Array[]; readonly count: number }
              try {
                batch = readOtlp(signal, broken, 'proto', noOrigin)
              } catch (error) {
                assert.ok(error instanceof Rejected)
                continue
              }
              assert.equal(validate(signal, batch.chunks[0]!).items, batch.count)
              const decoded = comparable(decode(signal, batch.chunks))
              // protobufjs has its own idea of U+FFFD.
              if (validate(signal, broken).badTexts === 0)
                assert.deepEqual(decoded, comparable(decode(signal, [broken])))
              if (signal === 'profiles') continue
              const items = batch as unknown as Iterable<{ readonly attributes: Attributes }>
              for (const { attributes } of items) assert.equal([...attributes.entries()].length, attributes.size)
            }
          },
        ),
        { numRuns: 250 },
      )
    })
  }

  it('says what is wrong and where', () => {
    assert.match(refused(Uint8Array.of(10, 5, 1)), /longer than what holds it at byte 0 of 3$/)
    assert.match(refused(Uint8Array.of(0x80)), /ends in the middle of a field at byte 0/)
    assert.match(refused(Uint8Array.of(2, 0)), /number 0/)
    assert.match(refused(Uint8Array.of(8, 1)), /field 1 of ExportTraceServiceRequest has the wrong wire type 0/)
    assert.match(
      refused(spanRequest(Uint8Array.of(11, 12))),
      /field 1 of Span has the wire type 3, which OTLP does not use/,
    )
    assert.match(refused(spanRequest(field(1, Uint8Array.of(1, 2)))), /field 1 of Span is an id of the wrong length/)
    assert.match(
      refused(Uint8Array.of(0xf8, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1)),
      /varint is too long/,
    )
    assert.match(refused(Uint8Array.of(10, 255, 255, 255, 255, 127)), /varint is too long/)
    assert.match(refused(Uint8Array.of(10, 255, 255, 255, 255, 15)), /longer than what holds it/)
  })

  it('lets messages nest 100 deep and no deeper', () => {
    const nest = (levels: number) => {
      let value: Uint8Array = Uint8Array.of(10, 1, 97)
      for (let i = 0; i < levels; i++) value = field(5, field(1, value))
      return spanRequest(field(9, field(2, value)))
    }
    // Request, resource, scope, span, attribute, value, then two a level.
    validate('traces', nest(47))
    assert.match(refused(nest(48)), /nested deeper than 100/)
    assert.match(refused(nest(1000)), /nested deeper than 100/)
  })

  it('takes larger requests than it keeps memory for, and small ones after them', () => {
    const large = spanRequest(field(5, new Uint8Array(20_000_000).fill(97)))
    assert.equal(validate('traces', large).items, 1)
    assert.equal(validate('traces', spanRequest(new Uint8Array(0))).items, 1)
    assert.match(refused(large.subarray(0, 19_000_000)), /longer than what holds it/)
  })

  it('takes packed and unpacked lists alike', () => {
    const point = Uint8Array.from([...field(6, new Uint8Array(16)), 0x31, ...new Uint8Array(8)])
    const body = Uint8Array.from(field(1, field(2, field(2, field(9, field(1, point))))))
    const [read] = readOtlp('metrics', body, 'proto', noOrigin)
    assert.equal(read!.distribution!.counts.length, 3)
    const odd = field(1, field(2, field(2, field(9, field(1, field(6, new Uint8Array(9)))))))
    assert.match(refused(odd, 'metrics'), /longer than what holds it/)
  })
})

describe('repair', () => {
  it('replaces what is not UTF-8 by U+FFFD and reports how many texts it was', () => {
    const seen: unknown[] = []
    const stop = observeRepairs((signal, texts) => seen.push([signal, texts]))
    const span = [...field(5, Uint8Array.of(97, 0xff, 98)), ...field(3, Uint8Array.of(0xed, 0xa0, 0x80)), 0xf2, 1, 1, 7]
    const [read] = readOtlp('traces', spanRequest(Uint8Array.from(span)), 'proto', noOrigin)
    stop()
    readOtlp('traces', spanRequest(field(5, Uint8Array.of(0xc0))), 'proto', noOrigin)
    assert.equal(read!.name, 'a\ufffdb')
    assert.equal(read!.traceState, '\ufffd\ufffd\ufffd')
    assert.deepEqual(seen, [['traces', 2]])
  })

  it('agrees with node on what is UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 12 }), (noise, text) => {
        const bytes = Buffer.concat([Buffer.from(text), noise])
        const clean = Buffer.from(bytes.toString('utf8')).equals(bytes)
        assert.equal(validate('traces', spanRequest(field(5, bytes))).badTexts, clean ? 0 : 1)
      }),
      { numRuns: 1000 },
    )
  })

  it('merges messages and lets the last scalar win, as protobuf does', () => {
    fc.assert(
      fc.property(otlpRequest('traces'), otlpRequest('traces'), (one, two) => {
        // Two resources and two scopes in one holder each, and a span with fields of both.
        const holder = (bytes: Uint8Array) => {
          const decoded = protobuf.Reader.create(bytes)
          return decoded.len === 0 || decoded.uint32() >>> 3 !== 1 ? new Uint8Array(0) : decoded.bytes()
        }
        const body = Uint8Array.from(field(1, Buffer.concat([holder(one), holder(two)])))
        const batch = readOtlp('traces', body, 'proto', noOrigin)
        assert.deepEqual(comparable(decode('traces', batch.chunks)), comparable(decode('traces', [body])))
        assert.equal(validate('traces', batch.chunks[0]!).duplicates, false)
      }),
      { numRuns: 200 },
    )
  })

  it('of a oneof that is set twice keeps the last', () => {
    const metric = Buffer.concat([
      field(5, field(1, new Uint8Array(0))),
      field(7, Uint8Array.from([...field(1, Uint8Array.of(0x40, 1)), 24, 1])),
    ])
    const body = Uint8Array.from(field(1, field(2, field(2, metric))))
    const batch = readOtlp('metrics', body, 'proto', noOrigin)
    assert.equal(batch.count, 1)
    assert.deepEqual(
      [...batch].map((p) => [p.metric.type, p.metric.monotonic, p.flags]),
      [['sum', true, 1]],
    )
  })
})
