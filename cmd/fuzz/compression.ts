/** Every content coding. The first byte of an input is the coding, the second the limit. */
import zlib from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import snappy from 'snappy'
import { compress, decompress } from '../../pipeline/net/compression.ts'
import { CompressionError } from '../../pipeline/net/compression-error.ts'
import type { Random } from './random.ts'
import { must, type Target } from './target.ts'

const codings = ['gzip', 'zlib', 'zstd', 'snappy', 'x-snappy-framed', 'lz4', 'deflate', 'identity']
const limits = [1, 100, 1_000, 65_536, 1 << 20, 4 << 20]
/** What a decompressor may hold beside what it gives: windows, tables, buffers that doubled. */
const spareBytes = 24 << 20
const kinds: ReadonlySet<string> = new Set(['too_large', 'malformed', 'unsupported'])

const tokens = [
  [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
  [0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3],
  [0x78, 0x9c],
  [0x78, 0xbb],
  [0x28, 0xb5, 0x2f, 0xfd],
  [0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff],
  [0x04, 0x22, 0x4d, 0x18],
  [0xff, 0x06, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59],
  [0xfe, 0xff, 0xff, 0xff],
  [0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x04],
  [0xed, 0xc1, 1],
].map((bytes) => Uint8Array.from(bytes))

export async function compressionTarget(): Promise<Target> {
  const seeds: Uint8Array[] = []
  for (const coding of codings)
    for (const body of [Buffer.alloc(0), Buffer.from('telemetry '.repeat(30)), Buffer.alloc(3_000_000)])
      seeds.push(withHead(coding, 4, await compress(coding, [body])))
  return { maxBytes: 65_536, family: 12, tokens, seeds: seeds.filter(({ length }) => length < 60_000), generate, run }
}

async function run(input: Uint8Array): Promise<boolean> {
  const coding = codings[(input[0] ?? 0) % codings.length]!
  const limit = limits[(input[1] ?? 0) % limits.length]!
  const body = input.slice(2)
  const before = process.memoryUsage().arrayBuffers
  try {
    const out = await decompress(coding, body, limit)
    must(out.length <= limit, `${coding} gave ${out.length} bytes of at most ${limit}`)
    must(
      out.buffer.byteLength <= 2 * out.length + 64 || out.buffer.byteLength <= limit + 64,
      `${coding} keeps a buffer of ${out.buffer.byteLength} for ${out.length}`,
    )
    return true
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error
    must(kinds.has(error.kind) && error.message.length > 3, `an error without a reason: ${error.message}`)
    return false
  } finally {
    const more = process.memoryUsage().arrayBuffers - before
    must(more <= limit * 2 + spareBytes, `${coding} took ${more} bytes for a limit of ${limit}`)
  }
}

function generate(random: Random): Uint8Array {
  const body = content(random)
  const at = random.below(codings.length)
  const limit = random.below(limits.length)
  const parts = Array.from({ length: 1 + random.few(4) }, () => packed(codings[at]!, body, random))
  return withHead(codings[at]!, limit, Buffer.concat(parts))
}

function content(random: Random): Buffer {
  const size = random.pick([0, 1, 10, 200, 5_000, 70_000])
  if (random.oneIn(3)) return Buffer.alloc(size)
  const body = Buffer.alloc(Math.min(size, 2_000))
  for (let i = 0; i < body.length; i++) body[i] = random.oneIn(3) ? random.word() : (body[i - 7] ?? 97)
  return body
}

/** With the options that real senders use and those that they seldom do. */
function packed(coding: string, body: Buffer, random: Random): Uint8Array {
  switch (coding) {
    case 'gzip':
      return zlib.gzipSync(body, {
        level: random.below(10),
        windowBits: 9 + random.below(7),
        memLevel: 1 + random.below(9),
      })
    case 'zlib':
    case 'deflate':
      return random.oneIn(8) ? zlib.deflateRawSync(body) : zlib.deflateSync(body, { level: random.below(10) })
    case 'zstd':
      return zlib.zstdCompressSync(body, {
        params: {
          [zlib.constants.ZSTD_c_compressionLevel]: 1 + random.below(4),
          [zlib.constants.ZSTD_c_checksumFlag]: random.below(2),
          [zlib.constants.ZSTD_c_contentSizeFlag]: random.below(2),
        },
      })
    case 'lz4':
      return compressFrameSync(body, { blockChecksums: random.oneIn(2), contentChecksum: random.oneIn(2) })
    case 'snappy':
      return snappy.compressSync(body)
    case 'x-snappy-framed':
      return framed(snappy.compressSync(body))
    default:
      return body
  }
}

function framed(block: Uint8Array): Uint8Array {
  const length = block.length + 4
  return Buffer.concat([tokens[7]!, Uint8Array.of(0, length, length >> 8, length >> 16, 0, 0, 0, 0), block])
}

function withHead(coding: string, limit: number, body: Uint8Array): Uint8Array {
  return Uint8Array.from([codings.indexOf(coding), limit, ...body])
}
