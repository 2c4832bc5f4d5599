import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeMessage, isGrpcContentType, MessageReader, parseTimeout } from './grpc-wire.ts'
import { StatusError } from './status-error.ts'

function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(5 + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

test('a message is the same however its bytes are cut', () => {
  const property = (message: Uint8Array, cuts: readonly number[]) => {
    const bytes = framed(message)
    const reader = new MessageReader(1_000)
    let from = 0
    for (const cut of cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)) {
      reader.push(bytes.subarray(from, cut))
      from = cut
    }
    reader.push(bytes.subarray(from))
    assert.deepEqual(reader.finish(), new Uint8Array(message))
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1_000 }), fc.array(fc.nat(2_000), { maxLength: 8 }), property))
})

test('any bytes at all end in a message or in a StatusError', () => {
  const property = (chunks: readonly Uint8Array[]) => {
    const reader = new MessageReader(1_000)
    try {
      for (const chunk of chunks) reader.push(chunk)
      reader.finish()
    } catch (error) {
      assert.ok(error instanceof StatusError)
    }
  }
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), property))
})

test('the message has a buffer of its own, exactly its size', () => {
  const reader = new MessageReader(1_000)
  reader.push(framed(Buffer.from('hello')))
  assert.equal(reader.finish().buffer.byteLength, 5)
})

test('grpc-timeout is read in every unit, and refused when it is malformed', () => {
  const cases: readonly [string, number][] = [
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3_000],
    ['4m', 4],
    ['5u', 0.005],
    ['6n', 0.000006],
    ['99999999S', 99_999_999_000],
  ]
  for (const [text, ms] of cases) assert.ok(Math.abs(parseTimeout(text) - ms) < 1e-9, text)
  for (const text of ['', 'S', '1', '1x', '-1S', '1.5S', '123456789S', ' 1S'])
    assert.throws(() => parseTimeout(text), StatusError, text)
})

test('grpc-message is printable ASCII, and decodes to what it was', () => {
  const property = (text: string) => {
    const encoded = encodeMessage(text)
    assert.match(encoded, /^[ -~]*$/)
    assert.equal(decodeURIComponent(encoded), text)
  }
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), property))
  assert.ok(encodeMessage('ä'.repeat(100_000)).length < 16_384)
})

test('content types of gRPC are told from others', () => {
  for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc;x=y'])
    assert.ok(isGrpcContentType(type))
  for (const type of [undefined, '', 'application/json', 'application/grpcx', 'text/application/grpc'])
    assert.ok(!isGrpcContentType(type))
})
