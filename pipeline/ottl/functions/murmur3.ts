/** MurmurHash3 with seed 0 (Appleby, https://github.com/aappleby/smhasher): x86_32 and x64_128, as little-endian hexadecimal. */

export function murmur3(text: string): string {
  const bytes = Buffer.from(text)
  const whole = bytes.length & ~3
  let h = 0
  for (let i = 0; i < whole; i += 4) {
    h ^= scramble(bytes.readInt32LE(i))
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe654_6b64) | 0
  }
  let tail = 0
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!
  if (bytes.length > whole) h ^= scramble(tail)
  h ^= bytes.length
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  h ^= h >>> 16
  const out = Buffer.alloc(4)
  out.writeInt32LE(h)
  return out.toString('hex')
}

function scramble(k: number): number {
  const mixed = Math.imul(k, 0xcc9e_2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b87_3593)
}

const c1 = 0x87c3_7b91_1142_53d5n
const c2 = 0x4cf5_ad43_2745_937fn

export function murmur3x128(text: string): string {
  const bytes = Buffer.from(text)
  const length = BigInt(bytes.length)
  const whole = bytes.length & ~15
  let h1 = 0n
  let h2 = 0n
  for (let i = 0; i < whole; i += 16) {
    h1 ^= mix(bytes.readBigUInt64LE(i), c1, 31n, c2)
    h1 = u64(u64(rotate(h1, 27n) + h2) * 5n + 0x52dc_e729n)
    h2 ^= mix(bytes.readBigUInt64LE(i + 8), c2, 33n, c1)
    h2 = u64(u64(rotate(h2, 31n) + h1) * 5n + 0x3849_5ab5n)
  }
  const tail = Buffer.alloc(16)
  bytes.copy(tail, 0, whole)
  if (bytes.length - whole > 8) h2 ^= mix(tail.readBigUInt64LE(8), c2, 33n, c1)
  if (bytes.length > whole) h1 ^= mix(tail.readBigUInt64LE(0), c1, 31n, c2)
  h1 ^= length
  h2 ^= length
  h1 = u64(h1 + h2)
  h2 = u64(h2 + h1)
  h1 = finish(h1)
  h2 = finish(h2)
  h1 = u64(h1 + h2)
  h2 = u64(h2 + h1)
  const out = Buffer.alloc(16)
  out.writeBigUInt64LE(h1)
  out.writeBigUInt64LE(h2, 8)
  return out.toString('hex')
}

function mix(k: bigint, first: bigint, turn: bigint, second: bigint): bigint {
  return u64(rotate(u64(k * first), turn) * second)
}

function rotate(value: bigint, by: bigint): bigint {
  return u64(value << by) | (value >> (64n - by))
}

function finish(k: bigint): bigint {
  let h = u64((k ^ (k >> 33n)) * 0xff51_afd7_ed55_8ccdn)
  h = u64((h ^ (h >> 33n)) * 0xc4ce_b9fe_1a85_ec53n)
  return h ^ (h >> 33n)
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}
