/** Who may come in. A slow password hash is computed once for the same credentials, not once for each request. */
import { createHmac, randomBytes } from 'node:crypto'
import { Code } from '../../pipeline/net/status.ts'
import { StatusError } from '../../pipeline/net/status-error.ts'
import { type Htpasswd, parseHtpasswd } from './htpasswd.ts'

/** Credentials whose answer is remembered, right ones and wrong ones. Full = the oldest goes. */
const maxRemembered = 4_096
/** Hashes that are computed at once: they share the threads of Node with files and compression. */
const maxRunning = 2
/** Who comes when so many wait is told to come back: guessing must not pile up. */
const maxWaiting = 256

export class Users {
  #htpasswd: Htpasswd = parseHtpasswd('')
  /** By a keyed digest of the credentials: what is remembered is of no use to whoever reads our memory. */
  readonly #remembered = new Map<string, boolean>()
  readonly #pending = new Map<string, Promise<boolean>>()
  readonly #key = randomBytes(32)
  readonly #waiting: (() => void)[] = []
  #running = 0
  #generation = 0
  /** How many slow hashes were computed. */
  computed = 0

  /** Puts other users in force, and forgets what was remembered of the old ones. */
  replace(htpasswd: Htpasswd): void {
    this.#htpasswd = htpasswd
    this.#generation++
    this.#remembered.clear()
    this.#pending.clear()
  }

  /** Throws `StatusError` when too many others are being checked. */
  isKnown(username: string, password: string): boolean | Promise<boolean> {
    const entry = this.#htpasswd.entries.get(username)
    if (entry === undefined) return false
    if (!entry.isSlow) return entry.matches(password)
    const key = createHmac('sha256', this.#key).update(`${username}:${password}`).digest('base64')
    const remembered = this.#remembered.get(key)
    if (remembered !== undefined) {
      // Last used, last to go.
      this.#remembered.delete(key)
      this.#remembered.set(key, remembered)
      return remembered
    }
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending
    if (this.#waiting.length >= maxWaiting)
      throw new StatusError(Code.UNAVAILABLE, 'too many credentials wait to be checked', 1_000)
    const checked = this.#check(key, () => entry.matches(password))
    this.#pending.set(key, checked)
    return checked
  }

  async #check(key: string, matches: () => boolean | Promise<boolean>): Promise<boolean> {
    const generation = this.#generation
    if (this.#running >= maxRunning) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      this.computed++
      const isRight = await matches()
      if (generation === this.#generation) this.#remember(key, isRight)
      return isRight
    } finally {
      if (generation === this.#generation) this.#pending.delete(key)
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  #remember(key: string, isRight: boolean): void {
    if (this.#remembered.size >= maxRemembered) {
      const [oldest] = this.#remembered.keys()
      if (oldest !== undefined) this.#remembered.delete(oldest)
    }
    this.#remembered.set(key, isRight)
  }
}
