/** HTTP/2 by hand (RFC 9113), for what no client library would send. */
import type { Random } from './random.ts'

export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length & 0xffffff, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

/** HPACK: each a literal without indexing, without Huffman (RFC 7541, 6.2.2). */
export function headerBlock(headers: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of headers) parts.push(Buffer.of(0), text(name), text(value))
  return Buffer.concat(parts)
}
function text(of: string): Buffer {
  const bytes = Buffer.from(of, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const rest: number[] = [127]
  let more = bytes.length - 127
  for (; more > 127; more >>= 7) rest.push((more & 127) | 128)
  rest.push(more)
  return Buffer.concat([Buffer.from(rest), bytes])
}

/** A gRPC message: flag, length, bytes. */
export function grpcMessage(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(length >>> 0, 1)
  return Buffer.concat([head, message])
}

/** Frames that are odd in themselves. */
export function oddFrame(random: Random, stream: number): Buffer {
  const four = Buffer.alloc(4)
  four.writeUInt32BE(random.pick([0, 1, 0x7fffffff, 0xffffffff, 0x80000000, random.word()]))
  switch (random.below(12)) {
    case 0:
      return frame(frameType.window, 0, random.oneIn(2) ? 0 : stream, four)
    case 1:
      return frame(frameType.reset, 0, stream, four)
    case 2:
      return frame(frameType.ping, random.below(2), 0, Buffer.alloc(random.pick([8, 8, 0, 7, 9])))
    case 3: {
      const setting = Buffer.alloc(6)
      setting.writeUInt16BE(random.pick([1, 2, 3, 4, 5, 6, 8, 99]))
      four.copy(setting, 2)
      return frame(frameType.settings, random.below(2), random.oneIn(4) ? stream : 0, setting)
    }
    case 4:
      return frame(frameType.priority, 0, stream, Buffer.alloc(random.pick([5, 5, 4])))
    case 5:
      return frame(frameType.goaway, 0, 0, Buffer.concat([four, four, Buffer.from('bye')]))
    case 6:
      return frame(frameType.continuation, random.oneIn(2) ? 4 : 0, stream, Buffer.alloc(random.few(40)))
    case 7:
      return frame(frameType.push, 4, stream, Buffer.concat([four, Buffer.from([0x82])]))
    case 8:
      return frame(random.below(256), random.below(256), stream, Buffer.alloc(random.few(30), random.word()))
    case 9:
      return frame(frameType.data, 8, stream, Buffer.from([random.below(256), 1, 2, 3]))
    case 10:
      return frame(frameType.data, random.below(2), random.pick([0, 2, stream + 100, 0xffffffff]), four)
    default:
      return frame(frameType.data, 0, stream, four, random.pick([0, 3, 5, 16_385, 0xffffff]))
  }
}
