/** Hashes of text: hexadecimal, but FNV, which is an int. */
import { createHash } from 'node:crypto'
import { createXXHash3, createXXHash128 } from 'hash-wasm'
import { int } from '../values.ts'
import { murmur3, murmur3x128 } from './murmur3.ts'
import { text } from './params.ts'
import { converter } from './signature.ts'

const xxh3 = await createXXHash3()
const xxh128 = await createXXHash128()

function digest(name: string, hash: (value: string) => string) {
  return converter(
    name,
    { value: text },
    ({ value }) =>
      (frame) =>
        hash(value(frame)),
  )
}

function crypto(name: string, algorithm: string) {
  return digest(name, (value) => createHash(algorithm).update(value).digest('hex'))
}

/** FNV-1a of 64 bits, http://www.isthe.com/chongo/tech/comp/fnv/ . */
function fnv1a(value: string): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n
  for (const byte of Buffer.from(value)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100_0000_01b3n)
  return hash
}

export const hashFunctions = [
  crypto('MD5', 'md5'),
  crypto('SHA1', 'sha1'),
  crypto('SHA256', 'sha256'),
  crypto('SHA512', 'sha512'),
  converter(
    'FNV',
    { value: text },
    ({ value }) =>
      (frame) =>
        int(fnv1a(value(frame))),
  ),
  digest('Murmur3Hash', murmur3),
  digest('Murmur3Hash128', murmur3x128),
  digest('XXH3', (value) => xxh3.init().update(value).digest('hex')),
  digest('XXH128', (value) => xxh128.init().update(value).digest('hex')),
] as const
