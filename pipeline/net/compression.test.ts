import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import zlib from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import snappy from 'snappy'
import { crc32c, xxh32 } from './checksum.ts'
import { compress, decompress } from './compression.ts'
import { CompressionError } from './compression-error.ts'

const codings = ['gzip', 'zlib', 'deflate', 'zstd', 'snappy', 'x-snappy-framed', 'lz4', 'identity', 'none', '']
const limit = 20 << 20

/** Compressible like telemetry, and random, so that framed formats use stored chunks too. */
function sample(size: number, random: boolean): Buffer {
  if (random) return randomBytes(size)
  const text = Array.from(
    { length: Math.ceil(size / 20) },
    (_, i) => `service.name=checkout-${i % 7} id=${(i * 2654435761) % 1e9};`,
  )
  return Buffer.from(text.join('')).subarray(0, size)
}

function isKind(kind: CompressionError['kind']) {
  return (error: unknown) => error instanceof CompressionError && error.kind === kind
}

for (const coding of codings)
  for (const size of [0, 1, 100, 20_000, 300_000, 5_000_000])
    for (const random of [false, true])
      test(`${coding || 'empty'} gives back ${size} ${random ? 'random' : 'repetitive'} bytes`, async () => {
        const body = sample(size, random)
        const packed = await compress(coding, [body.subarray(0, size >> 1), body.subarray(size >> 1)])
        assert.ok(body.equals(await decompress(coding, packed, limit)))
      })

for (const coding of codings.slice(0, 7)) {
  test(`${coding} refuses a bomb, and allocates no more than its limit`, async () => {
    const packed = await compress(coding, [Buffer.alloc(64 << 20)])
    const before = process.memoryUsage().arrayBuffers
    await assert.rejects(decompress(coding, packed, 4 << 20), isKind('too_large'))
    assert.ok(process.memoryUsage().arrayBuffers - before < 24 << 20)
  })
  test(`${coding} takes exactly its limit, and not a byte more`, async () => {
    const packed = await compress(coding, [sample(100_000, false)])
    assert.equal((await decompress(coding, packed, 100_000)).length, 100_000)
    await assert.rejects(decompress(coding, packed, 99_999), isKind('too_large'))
  })
  test(`${coding} names truncated and damaged bodies malformed`, async () => {
    const packed = Buffer.from(await compress(coding, [sample(50_000, false)]))
    await assert.rejects(decompress(coding, packed.subarray(0, packed.length - 20), limit), isKind('malformed'))
    await assert.rejects(decompress(coding, packed.subarray(0, 3), limit), isKind('malformed'))
    await assert.rejects(
      decompress(coding, Buffer.from('this was never compressed by anybody'), limit),
      isKind('malformed'),
    )
  })
  test(`${coding} survives any byte being flipped`, async () => {
    const body = sample(2_000, false)
    const packed = Buffer.from(await compress(coding, [body]))
    for (let at = 0; at < packed.length; at++) {
      const damaged = Buffer.from(packed)
      damaged[at]! ^= 0x55
      await decompress(coding, damaged, 8 << 20).catch((error: unknown) =>
        assert.ok(error instanceof CompressionError, String(error)),
      )
    }
  })
}

test('an unknown coding is named', async () => {
  await assert.rejects(decompress('br', Buffer.from('x'), limit), { message: 'unsupported compression type "br"' })
  await assert.rejects(compress('br', [Buffer.from('x')]), isKind('unsupported'))
})

test('gzip reads several members, zstd several frames, lz4 several frames', async () => {
  const [a, b] = [sample(70_000, false), sample(30, true)]
  const both = Buffer.concat([a, b])
  assert.ok(both.equals(await decompress('gzip', Buffer.concat([zlib.gzipSync(a), zlib.gzipSync(b)]), limit)))
  assert.ok(
    both.equals(await decompress('zstd', Buffer.concat([zlib.zstdCompressSync(a), zlib.zstdCompressSync(b)]), limit)),
  )
  assert.ok(both.equals(await decompress('lz4', Buffer.concat([compressFrameSync(a), compressFrameSync(b)]), limit)))
})

test('a gzip trailer that lies about the size does no harm', async () => {
  const packed = zlib.gzipSync(sample(100_000, false))
  packed.writeUInt32LE(0xffffffff, packed.length - 4)
  await assert.rejects(decompress('gzip', packed, limit), isKind('malformed'))
})

test('a zstd frame with a window beyond the limit is refused', async () => {
  const packed = zlib.zstdCompressSync(Buffer.alloc(1 << 20), {
    params: { [zlib.constants.ZSTD_c_windowLog]: 27, [zlib.constants.ZSTD_c_contentSizeFlag]: 0 },
  })
  // Content size unknown and a window of 128 MiB: magic, descriptor 0, window descriptor exponent 17.
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00])
  await assert.rejects(decompress('zstd', header, 4 << 20), isKind('malformed'))
  assert.ok(packed.length > 0)
})

test('snappy reads the framed format too, as upstream does, and a framed checksum is checked', async () => {
  const body = sample(200_000, false)
  const framed = Buffer.from(await compress('x-snappy-framed', [body]))
  assert.ok(body.equals(await decompress('snappy', framed, limit)))
  framed[14]! ^= 1
  await assert.rejects(decompress('x-snappy-framed', framed, limit), {
    message: 'snappy: corrupt input: checksum mismatch',
  })
})

test('the package agrees on the framed format, both ways', async () => {
  const body = sample(200_000, false)
  const theirs = new snappy.Compressor()
  const framed = Buffer.concat([theirs.update(body), await theirs.finish()])
  assert.ok(body.equals(await decompress('x-snappy-framed', framed, limit)))
  const reader = new snappy.Decompressor()
  const ours = await compress('x-snappy-framed', [body])
  assert.ok(body.equals(Buffer.concat([reader.update(ours), await reader.finish()])))
})

test('lz4 frames with block and content checksums are checked', async () => {
  const body = sample(200_000, false)
  const packed = compressFrameSync(body, { blockChecksums: true, contentChecksum: true })
  assert.ok(body.equals(await decompress('lz4', packed, limit)))
  const damaged = Buffer.from(packed)
  damaged[packed.length - 1]! ^= 1
  await assert.rejects(decompress('lz4', damaged, limit), { message: 'lz4: invalid frame checksum' })
})

test('checksums match their published test vectors', () => {
  const digits = Buffer.from('123456789')
  assert.equal(crc32c(digits, 0, 9), 0xe3069283)
  assert.equal(xxh32(Buffer.alloc(0), 0, 0), 0x02cc5d05)
  assert.equal(xxh32(digits, 0, 9), 0x937bad67)
})
