/** Takes secrets out of what leaves the machine, twice: the fields that are known to hold them, and then their texts wherever else they stand. */

const hidden = '[REDACTED]'
/** Names that promise a secret, for fields that have no type of their own. */
const secretName =
  /pass(?:word|wd|phrase)?$|secret|token|credential|authorization|cookie|api[-_]?key|access[-_]?key|private[-_]?key|headers(?:_list)?$|_pem$|^key$/i
/** Shorter texts stand in too many other words; a field of that name is hidden all the same. */
const minTextLength = 4
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\/\/[^/?#@\s"'<>]*@/g, `//${hidden}@`],
  [/([?&][^=&\s"']*(?:token|key|secret|pass|sig|auth)[^=&\s"']*=)[^&\s"'#]+/gi, `$1${hidden}`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{4,}/gi, `$1 ${hidden}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, hidden],
]

export class Scrubber {
  readonly #secrets = new Map<string, string>()

  /** `name` is what is shown instead. */
  add(secret: string, name = hidden): void {
    for (const text of [secret, secret.trim(), ...(secret.includes('\n') ? secret.split('\n') : [])]) {
      if (text.length < minTextLength) continue
      // As it stands in JSON, in single-quoted YAML and in an URL.
      for (const form of [
        text,
        JSON.stringify(text).slice(1, -1),
        text.replaceAll("'", "''"),
        encodeURIComponent(text),
      ])
        if (!this.#secrets.has(form)) this.#secrets.set(form, name)
    }
  }

  /** Every text that stands in `full` and not in `redacted`, and every one below a name that promises a secret. */
  learn(full: unknown, redacted: unknown): void {
    if (isRecord(full)) {
      for (const [key, value] of Object.entries(full)) {
        const other = isRecord(redacted) ? redacted[key] : undefined
        this.learn(value, secretName.test(key) ? undefined : other)
      }
    } else if (Array.isArray(full)) {
      for (const [i, value] of full.entries()) this.learn(value, Array.isArray(redacted) ? redacted[i] : undefined)
    } else if (typeof full === 'string' && full !== redacted && redacted !== null) {
      this.add(full)
    }
  }

  /** What a name promises to be secret is hidden, then every text is scrubbed. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (Array.isArray(value)) return value.map((item) => this.value(item))
    if (!isRecord(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, secretName.test(key) ? hide(item) : this.value(item)]),
    )
  }

  text(text: string): string {
    let out = text
    // The longest first: one may be part of another.
    const secrets = [...this.#secrets].sort(([a], [b]) => b.length - a.length)
    for (const [secret, name] of secrets) out = out.replaceAll(secret, name)
    for (const [pattern, by] of patterns) out = out.replaceAll(pattern, by)
    return out
  }
}

/** Names of headers stay, since they help; so do numbers and switches. */
function hide(value: unknown): unknown {
  if (typeof value === 'string') return value === '' ? '' : hidden
  if (Array.isArray(value))
    return value.map((item) =>
      isRecord(item) && 'name' in item ? { ...mapRecord(item, hide), name: item['name'] } : hide(item),
    )
  return isRecord(value) ? mapRecord(value, hide) : value
}
function mapRecord(record: Record<string, unknown>, change: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
