/** Apache's `$apr1$` and the older `$1$`: Poul-Henning Kamp's md5crypt, as `apr_md5.c` of Apache's apr-util has it. 1000 rounds of MD5. */
import { createHash } from 'node:crypto'
import { encode64 } from './crypt-alphabet.ts'

/** Which bytes of the digest make the next four characters. */
const order = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
] as const

/** What follows the salt in an entry. `magic` is `$apr1$` or `$1$`. */
export function md5Crypt(password: Uint8Array, salt: string, magic: string): string {
  const saltBytes = Buffer.from(salt)
  const inner = md5([password, saltBytes, password])
  const start: Uint8Array[] = [password, Buffer.from(magic), saltBytes]
  for (let left = password.length; left > 0; left -= 16) start.push(inner.subarray(0, Math.min(16, left)))
  for (let bits = password.length; bits > 0; bits >>= 1)
    start.push((bits & 1) === 1 ? Buffer.alloc(1) : password.subarray(0, 1))
  let digest = md5(start)
  for (let round = 0; round < 1000; round++) {
    const isOdd = (round & 1) === 1
    const parts: Uint8Array[] = [isOdd ? password : digest]
    if (round % 3 !== 0) parts.push(saltBytes)
    if (round % 7 !== 0) parts.push(password)
    parts.push(isOdd ? digest : password)
    digest = md5(parts)
  }
  const characters = order.map(([a, b, c]) => encode64((digest[a]! << 16) | (digest[b]! << 8) | digest[c]!, 4))
  return characters.join('') + encode64(digest[11]!, 2)
}

function md5(parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
