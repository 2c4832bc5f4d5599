/** The gRPC server of the OTLP receiver: an input is what a connection sends, from its first byte on, before it half-closes. */
import { logsPayload, tracesPayload } from '../../pipeline/testing/payloads.ts'
import { frame, frameType, grpcMessage, headerBlock, oddFrame, preface } from './http2-frames.ts'
import { otlpMessage } from './otlp-message.ts'
import type { Random } from './random.ts'
import { bytesOf, hashOf, type Target } from './target.ts'
import { Victim } from './victim.ts'

/** The other client sends beside one in so many attacks. */
const besideEvery = 8
const path = (signal: string) => {
  const name = `${signal[0]!.toUpperCase()}${signal.slice(1)}`
  return `/opentelemetry.proto.collector.${signal}.v1.${name}Service/Export`
}
const paths = [path('trace'), path('logs'), path('metrics'), '/no.Such/Thing', '/', '*', '']
const tokens = [
  ...[0, 1, 4, 5, 8, 0x20].map((flags) => frame(frameType.data, flags, 1, Buffer.alloc(3))),
  frame(frameType.settings, 0, 0, Buffer.alloc(0)),
  frame(frameType.settings, 1, 0, Buffer.alloc(0)),
  frame(frameType.reset, 0, 1, Buffer.from([0, 0, 0, 8])),
  frame(frameType.ping, 0, 0, Buffer.alloc(8)),
  frame(frameType.goaway, 0, 0, Buffer.alloc(8)),
  frame(frameType.continuation, 4, 1, Buffer.alloc(0)),
  frame(frameType.window, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
  preface,
  Buffer.from([0x82, 0x83, 0x84, 0x86]),
  Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
  Buffer.from([0x3f, 0xe1, 0xff, 0x03]),
  bytesOf('grpc-encoding'),
  bytesOf('GET / HTTP/1.1\r\n\r\n'),
]

export async function grpcTarget(): Promise<Target> {
  const victim = await Victim.start()
  const bodies = [tracesPayload(1, { services: ['a'] }), logsPayload(1, { services: ['a'] })].map((batch) =>
    Buffer.concat(batch.chunks),
  )
  return {
    maxBytes: 16_384,
    family: 6,
    tokens,
    seeds: bodies.map((body, i) =>
      Buffer.concat([preface, frame(frameType.settings, 0, 0, Buffer.alloc(0)), ...call(1, paths[i]!, body)]),
    ),
    generate: (random) => connection(random, bodies),
    async run(input, thorough) {
      const isBeside = thorough || hashOf(input) % besideEvery === 0
      const [answer] = await Promise.all([victim.attack('grpc', input), isBeside ? victim.exportBeside() : undefined])
      victim.check(isBeside ? 1 : 0)
      // An HTTP/2 server says its SETTINGS first; more than that and the acknowledgement means that something was answered.
      return answer.length > 64
    },
    close: () => victim.close(),
  }
}

function call(stream: number, to: string, body: Uint8Array): Buffer[] {
  const headers = headerBlock(headersOf(to))
  return [frame(frameType.headers, 4, stream, headers), frame(frameType.data, 1, stream, grpcMessage(body))]
}

function headersOf(to: string): (readonly [string, string])[] {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', to],
    [':authority', 'localhost'],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
  ]
}

/** Calls, most of them good, with odd frames between them. */
function connection(random: Random, bodies: readonly Buffer[]): Buffer {
  const parts: Buffer[] = []
  if (!random.oneIn(30)) parts.push(preface)
  if (!random.oneIn(20)) parts.push(frame(frameType.settings, 0, 0, Buffer.alloc(0)))
  let stream = 1
  for (let calls = 1 + random.few(6); calls > 0; calls--) {
    if (random.oneIn(4)) parts.push(oddFrame(random, stream))
    parts.push(...oddCall(random, stream, bodies))
    if (random.oneIn(4)) parts.push(oddFrame(random, stream))
    stream += random.oneIn(20) ? random.pick([0, 1, -2]) : 2
  }
  return Buffer.concat(parts)
}

function oddCall(random: Random, stream: number, bodies: readonly Buffer[]): Buffer[] {
  const headers = headersOf(random.oneIn(6) ? random.pick(paths) : paths[0]!)
  if (random.oneIn(3)) headers.splice(random.below(headers.length + 1), random.below(2), oddHeader(random))
  const block = headerBlock(headers)
  const body = random.oneIn(3) ? otlpMessage('traces', random) : random.pick(bodies)
  const message = grpcMessage(
    body,
    random.oneIn(8) ? random.pick([1, 2, 255]) : 0,
    random.oneIn(8) ? random.pick([0, body.length - 1, body.length + 1, 0xffffffff, 1 << 20]) : body.length,
  )
  const parts: Buffer[] = []
  if (random.oneIn(6)) {
    const cut = random.below(block.length)
    parts.push(frame(frameType.headers, 0, stream, block.subarray(0, cut)))
    parts.push(frame(frameType.continuation, random.oneIn(8) ? 0 : 4, stream, block.subarray(cut)))
  } else parts.push(frame(frameType.headers, random.oneIn(10) ? random.below(64) : 4, stream, block))
  const cut = random.below(message.length)
  if (random.oneIn(2)) parts.push(frame(frameType.data, 0, stream, message.subarray(0, cut)))
  parts.push(frame(frameType.data, random.oneIn(8) ? 0 : 1, stream, parts.length > 1 ? message.subarray(cut) : message))
  return parts
}

function oddHeader(random: Random): readonly [string, string] {
  return random.pick([
    ['grpc-encoding', random.pick(['gzip', 'snappy', 'zstd', 'deflate', 'identity', 'br', ''])],
    ['grpc-timeout', random.pick(['1S', '0n', '99999999H', '5x', '-1S', '', '1'])],
    ['content-type', random.pick(['text/plain', 'application/grpc+proto', 'application/grpcx', ''])],
    ['content-length', random.pick(['0', '-1', '99999999999', 'x'])],
    ['X-Upper', 'case'],
    ['a\0b', 'c'],
    ['', ''],
    [':path', '/twice'],
    [':unknown', 'x'],
    ['connection', 'keep-alive'],
    ['x-bin-bin', '!!!'],
    ['x-long', 'x'.repeat(random.pick([200, 4_000]))],
    ['__proto__', 'polluted'],
    ['cookie', 'é\x7f\xff'],
    ['grpc-status', '0'],
  ] as const)
}
