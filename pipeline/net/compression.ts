/**
 * Content codings of HTTP and gRPC, each with a hard limit on what comes out: decompressing stops there, and never allocates past it.
 *
 * `snappy` reads the block and the framed format, as upstream does, and writes blocks. gRPC's `snappy` is the framed one in upstream:
 * a gRPC client compresses with `x-snappy-framed` and sends `grpc-encoding: snappy`.
 */
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { compressFrame } from 'lz4-napi'
import snappy from 'snappy'
import { errorMessage } from '../error-message.ts'
import { CompressionError, malformed, tooLarge } from './compression-error.ts'
import { decompressLz4 } from './lz4-frame.ts'
import { compressFramed, decompressBlock, decompressFramed, isFramed } from './snappy-frame.ts'
import { SpareMemory } from './spare-memory.ts'

/** The thread pool costs 100 to 250 us of CPU a body (measured): more than a third of what a megabyte costs here, which is less than 2 ms. */
const syncInputBytes = 131_072
const syncOutputBytes = 1 << 20
/** gzip is ten times slower than gunzip, and than zstd. */
const syncDeflateBytes = 16_384
const minChunkBytes = 16_384
/** Upstream's floor: default encoders declare a window of 8 MiB for any payload they stream. */
const minZstdWindowLog = 23
/** A frame costs some 20 us even when it is empty, and takes 9 bytes. */
const maxZstdFrames = 256

/** Where the chunks of a batch are put together; given back before `compress` returns. */
const spare = new SpareMemory()

const gunzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gunzip)
const inflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflate)
const zstdDecompress = promisify<zlib.InputType, zlib.ZstdOptions, Buffer | WithEngine>(zlib.zstdDecompress)
const gzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gzip)
const deflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.deflate)
const zstdCompress = promisify<zlib.InputType, zlib.ZstdOptions, Buffer>(zlib.zstdCompress)

/** Throws `CompressionError`. `''`, `identity` and `none` give the body itself; else a buffer of its own, for a batch to keep. */
export async function decompress(coding: string, body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const out = await decoded(coding, body, maxBytes)
  if (out === body) return body
  // A mostly empty buffer would be kept as long as the batch; and what scans bytes must not see Buffers beside Uint8Arrays.
  const { buffer, byteOffset, length } = out
  return length * 2 < buffer.byteLength ? new Uint8Array(out) : new Uint8Array(buffer, byteOffset, length)
}

async function decoded(coding: string, body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  switch (coding) {
    case '':
    case 'none':
    case 'identity':
      if (body.length > maxBytes) throw tooLarge('identity', maxBytes)
      return body
    case 'gzip': {
      // The trailer holds the size of the last member; deflate expands at most 1032 times.
      const declared = Math.min(declaredByGzip(body), body.length * 1_032)
      return decode(coding, body, maxBytes, declared, {}, zlib.gunzipSync, gunzip)
    }
    case 'zlib':
    case 'deflate':
      return decode(coding, body, maxBytes, body.length * 6, {}, zlib.inflateSync, inflate)
    case 'zstd':
      return decompressZstd(body, maxBytes)
    case 'snappy':
      return isFramed(body) ? decompressFramed(body, maxBytes) : decompressBlock(body, maxBytes)
    case 'x-snappy-framed':
      return decompressFramed(body, maxBytes)
    case 'lz4':
      return decompressLz4(body, maxBytes)
    default:
      throw unsupported(coding)
  }
}

/** `level` as in upstream's `compression_params.level`; absent or 0 = the coding's default, -2 = Huffman only. */
export async function compress(coding: string, chunks: readonly Uint8Array[], level?: number): Promise<Uint8Array> {
  if (coding === 'x-snappy-framed') return compressFramed(chunks)
  if (chunks.length === 1) return compressBody(coding, chunks[0]!, level)
  if (coding === '' || coding === 'none' || coding === 'identity') return Buffer.concat(chunks)
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const memory = spare.take(length)
  try {
    let at = 0
    for (const chunk of chunks) {
      memory.set(chunk, at)
      at += chunk.length
    }
    return await compressBody(coding, memory.subarray(0, length), level)
  } finally {
    spare.give(memory)
  }
}

/** The body itself only where there is no coding. */
async function compressBody(coding: string, body: Uint8Array, level: number | undefined): Promise<Uint8Array> {
  switch (coding) {
    case '':
    case 'none':
    case 'identity':
      return body
    case 'gzip': {
      const options = deflateOptions(body, level)
      return body.length <= syncDeflateBytes ? zlib.gzipSync(body, options) : gzip(body, options)
    }
    case 'zlib':
    case 'deflate': {
      const options = deflateOptions(body, level)
      return body.length <= syncDeflateBytes ? zlib.deflateSync(body, options) : deflate(body, options)
    }
    case 'zstd': {
      const options = zstdOptions(body, level)
      return body.length <= syncInputBytes ? zlib.zstdCompressSync(body, options) : zstdCompress(body, options)
    }
    case 'snappy':
      return body.length <= syncInputBytes ? snappy.compressSync(body) : snappy.compress(body)
    case 'lz4':
      return compressFrame(body)
    default:
      throw unsupported(coding)
  }
}

/** Node stops after the first frame and says nothing; a body may have several. */
async function decompressZstd(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const more = { params: { [zlib.constants.ZSTD_d_windowLogMax]: windowLog(maxBytes) }, info: true }
  const parts: Uint8Array[] = []
  let left = maxBytes
  let rest = body
  do {
    if (parts.length === maxZstdFrames) throw malformed('zstd', `more than ${maxZstdFrames} frames`)
    let consumed = rest.length
    const open = (result: Buffer | WithEngine): Buffer => {
      if (Buffer.isBuffer(result)) return result
      consumed = result.engine.bytesWritten
      return result.buffer
    }
    const atOnce = (frame: Uint8Array, options: ZlibOptions) => open(zlib.zstdDecompressSync(frame, options))
    const offLoop = async (frame: Uint8Array, options: ZlibOptions) => open(await zstdDecompress(frame, options))
    const part = await decode('zstd', rest, left, declaredByZstd(rest), more, atOnce, offLoop)
    parts.push(part)
    left -= part.length
    rest = rest.subarray(consumed)
  } while (rest.length > 0)
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

/** What zlib answers for `info: true`; its types do not know it. */
interface WithEngine {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}
type ZlibOptions = Pick<zlib.ZlibOptions, 'chunkSize' | 'maxOutputLength' | 'info'> & {
  params?: Record<number, number>
}

/** Small bodies at once, the others on the thread pool; `declared` only sizes the first buffer, so that a truthful body needs just one. */
async function decode(
  coding: string,
  body: Uint8Array,
  maxBytes: number,
  declared: number,
  more: ZlibOptions,
  atOnce: (body: Uint8Array, options: ZlibOptions) => Buffer,
  offLoop: (body: Uint8Array, options: ZlibOptions) => Promise<Buffer>,
): Promise<Uint8Array> {
  // One byte of room beyond the end, or zlib asks for another buffer to see that there is no more.
  const first = (limit: number) => Math.max(minChunkBytes, Math.min(declared, limit) + 8)
  try {
    if (body.length <= syncInputBytes && declared <= syncOutputBytes) {
      const limit = Math.min(maxBytes, syncOutputBytes)
      const out = attempt(atOnce, body, { ...more, chunkSize: first(limit), maxOutputLength: limit })
      if (out !== undefined) return out
      if (limit === maxBytes) throw tooLarge(coding, maxBytes)
    }
    return await offLoop(body, { ...more, chunkSize: first(maxBytes), maxOutputLength: maxBytes })
  } catch (cause) {
    if (cause instanceof CompressionError) throw cause
    if (isOverflow(cause)) throw tooLarge(coding, maxBytes)
    const message = errorMessage(cause)
    // In the words of Go, which senders may know.
    throw malformed(coding, message === 'incorrect header check' ? 'invalid header' : message, cause)
  }
}

/** `undefined` = more comes out than the limit. */
function attempt(
  atOnce: (body: Uint8Array, options: ZlibOptions) => Buffer,
  body: Uint8Array,
  options: ZlibOptions,
): Buffer | undefined {
  try {
    return atOnce(body, options)
  } catch (cause) {
    if (isOverflow(cause)) return undefined
    throw cause
  }
}

function isOverflow(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'
}

function declaredByGzip(body: Uint8Array): number {
  const end = body.length
  if (end < 18) return 0
  return (body[end - 4]! | (body[end - 3]! << 8) | (body[end - 2]! << 16) | (body[end - 1]! << 24)) >>> 0
}

/** Of the first frame (RFC 8878, 3.1.1.1); a guess where it does not say. */
function declaredByZstd(body: Uint8Array): number {
  const guess = body.length * 8
  if (body.length < 14) return guess
  const descriptor = body[4]!
  const sizeFlag = descriptor >>> 6
  const singleSegment = (descriptor & 32) !== 0
  if (sizeFlag === 0 && !singleSegment) return guess
  const at = 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!
  const low = body[at]! | (body[at + 1]! << 8)
  if (sizeFlag === 0) return body[at]!
  if (sizeFlag === 1) return low + 256
  return (low | (body[at + 2]! << 16) | (body[at + 3]! << 24)) >>> 0
}

function windowLog(maxBytes: number): number {
  return Math.min(27, Math.max(minZstdWindowLog, Math.ceil(Math.log2(maxBytes))))
}

/** zlib's own default, 6, costs half as much CPU again as 4 for 5 % fewer bytes (`compression.bench.ts`). */
const defaultDeflateLevel = 4
/**
 * zstd's own default, 3, costs half as much CPU again as 1 and, with its larger tables, twice as much where the caches are shared, for 7 % fewer
 * bytes (`compression.bench.ts`). Upstream's default gives as many bytes as 1.
 */
const defaultZstdLevel = 1

function deflateOptions(body: Uint8Array, level: number | undefined): zlib.ZlibOptions {
  const chunkSize = Math.max(minChunkBytes, body.length >>> 2)
  if (level === -2) return { strategy: zlib.constants.Z_HUFFMAN_ONLY, chunkSize }
  return { level: level || defaultDeflateLevel, chunkSize }
}

/** With room for the worst case zstd reads the body where it lies; with less it copies all of it through a window of its own. */
function zstdOptions(body: Uint8Array, level: number | undefined): zlib.ZstdOptions {
  return {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: level || defaultZstdLevel },
    chunkSize: body.length + (body.length >>> 8) + minChunkBytes,
  }
}

function unsupported(coding: string): CompressionError {
  return new CompressionError('unsupported', `unsupported compression type ${JSON.stringify(coding)}`)
}
