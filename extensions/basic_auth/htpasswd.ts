/** htpasswd: lines of `user:password`, the password in one of the forms that upstream's library (tg123/go-htpasswd) reads. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { verify } from '@node-rs/bcrypt'
import { md5Crypt } from './md5-crypt.ts'
import { shaCrypt } from './sha-crypt.ts'

/** Whether a password is the one of an entry. */
export interface Entry {
  /** Costs milliseconds or more: worth remembering the answer. */
  readonly isSlow: boolean
  matches(password: string): boolean | Promise<boolean>
}
export interface Htpasswd {
  readonly entries: ReadonlyMap<string, Entry>
  /** Lines that cannot be used, by number and without what they say: they may hold secrets. */
  readonly badLines: readonly number[]
}

/** The last line of a user counts. */
export function parseHtpasswd(text: string): Htpasswd {
  const entries = new Map<string, Entry>()
  const badLines: number[] = []
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '') continue
    const colon = line.indexOf(':')
    const entry = colon < 0 ? undefined : entryOf(line.slice(colon + 1))
    if (entry === undefined) badLines.push(at + 1)
    else entries.set(line.slice(0, colon), entry)
  }
  return { entries, badLines }
}

/** Undefined = it begins like a form that it is not. */
function entryOf(encoded: string): Entry | undefined {
  const md5 = /^(\$apr1\$|\$1\$)([^$]*)\$(.*)$/.exec(encoded)
  if (md5) {
    const [, magic = '', salt = '', hash = ''] = md5
    return { isSlow: true, matches: (password) => isSame(md5Crypt(Buffer.from(password), salt, magic), hash) }
  }
  if (/^\$(?:apr1|1)\$/.test(encoded)) return undefined
  if (encoded.startsWith('{SHA}')) return shaEntry(encoded.slice(5), 0)
  if (encoded.startsWith('{SSHA}')) return shaEntry(encoded.slice(6), undefined)
  if (/^\$2[aybx]\$/.test(encoded)) return { isSlow: true, matches: (password) => verify(password, encoded) }
  if (/^\$[56]\$/.test(encoded)) return shaCryptEntry(encoded)
  return {
    isSlow: false,
    matches: (password) => isSame(password, encoded) || isSame(`{PLAIN}${password}`, encoded),
  }
}

/** SHA-1, with what follows its 20 bytes as salt; `saltLength` undefined = any. */
function shaEntry(text: string, saltLength: number | undefined): Entry | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length < 20 || (saltLength !== undefined && bytes.length !== 20 + saltLength)) return undefined
  const [hash, salt] = [bytes.subarray(0, 20), bytes.subarray(20)]
  return {
    isSlow: false,
    matches: (password) => timingSafeEqual(createHash('sha1').update(password).update(salt).digest(), hash),
  }
}

function shaCryptEntry(encoded: string): Entry | undefined {
  const match = /^\$([56])\$(?:rounds=(\d+)\$)?([^$]*)\$([^$]*)$/.exec(encoded)
  if (!match) return undefined
  const [, kind, rounds, salt = '', hash = ''] = match
  const algorithm = kind === '5' ? 'sha256' : 'sha512'
  const count = rounds === undefined ? undefined : Number(rounds)
  return {
    isSlow: true,
    matches: async (password) =>
      isSame(await shaCrypt(algorithm, Buffer.from(password), salt.slice(0, 16), count), hash),
  }
}

/** In a time that tells nothing of where they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b)) && a === b
}
