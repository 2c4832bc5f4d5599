/** `$5$` and `$6$` of crypt(3): Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512" (2007). 5000 rounds unless the entry says otherwise. */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { encode64 } from './crypt-alphabet.ts'

const defaultRounds = 5_000
/** A slice of the event loop: about a millisecond. */
const roundsAtOnce = 500

const sha256Order = [
  [0, 10, 20],
  [21, 1, 11],
  [12, 22, 2],
  [3, 13, 23],
  [24, 4, 14],
  [15, 25, 5],
  [6, 16, 26],
  [27, 7, 17],
  [18, 28, 8],
  [9, 19, 29],
] as const

/** What follows the salt in an entry. `rounds` is undefined where the entry names none. Gives way to others between rounds. */
export async function shaCrypt(
  algorithm: 'sha256' | 'sha512',
  password: Uint8Array,
  salt: string,
  rounds: number | undefined,
): Promise<string> {
  const saltBytes = Buffer.from(salt)
  const hash = (parts: readonly Uint8Array[]) => {
    const state = createHash(algorithm)
    for (const part of parts) state.update(part)
    return state.digest()
  }
  const inner = hash([password, saltBytes, password])
  const start: Uint8Array[] = [password, saltBytes, repeat(inner, password.length)]
  for (let bits = password.length; bits > 0; bits >>= 1) start.push((bits & 1) === 1 ? inner : password)
  let digest = hash(start)
  const p = repeat(hash(Array.from({ length: password.length }, () => password)), password.length)
  const s = repeat(hash(Array.from({ length: 16 + digest[0]! }, () => saltBytes)), saltBytes.length)
  const count = Math.min(999_999_999, Math.max(1_000, rounds ?? defaultRounds))
  for (let round = 0; round < count; round++) {
    const isOdd = (round & 1) === 1
    const parts: Uint8Array[] = [isOdd ? p : digest]
    if (round % 3 !== 0) parts.push(s)
    if (round % 7 !== 0) parts.push(p)
    parts.push(isOdd ? digest : p)
    digest = hash(parts)
    if (round % roundsAtOnce === roundsAtOnce - 1) await setImmediate()
  }
  return algorithm === 'sha256' ? text256(digest) : text512(digest)
}

function repeat(block: Uint8Array, length: number): Uint8Array {
  const all = new Uint8Array(length)
  for (let at = 0; at < length; at += block.length) all.set(block.subarray(0, Math.min(block.length, length - at)), at)
  return all
}

function text256(d: Uint8Array): string {
  const characters = sha256Order.map(([a, b, c]) => encode64((d[a]! << 16) | (d[b]! << 8) | d[c]!, 4))
  return characters.join('') + encode64((d[31]! << 8) | d[30]!, 3)
}

/** The three indices of a group are those of the group before it, turned and one further. */
function text512(d: Uint8Array): string {
  let [a, b, c] = [0, 21, 42]
  let text = ''
  for (let group = 0; group < 21; group++) {
    text += encode64((d[a]! << 16) | (d[b]! << 8) | d[c]!, 4)
    ;[a, b, c] = [b + 1, c + 1, a + 1]
  }
  return text + encode64(d[63]!, 2)
}
