/** An execution plan in JSON without values: what is not known to be harmless is `"?"`, conditions are obfuscated as SQL, and all else stays as it is written. */
import { obfuscateSql } from './obfuscate.ts'
import { type SqlDialect, SqlError } from './tokens.ts'

export interface PlanKeys {
  /** Their values stay, whatever is in them. */
  readonly keep: ReadonlySet<string>
  /** Their texts are SQL. */
  readonly sql: ReadonlySet<string>
  readonly dialect: SqlDialect
  readonly keepAliases: boolean
}

/** Numbers keep their digits, objects their order; white space goes. Throws `SyntaxError` for what is no JSON. */
export function obfuscatePlan(json: string, keys: PlanKeys): string {
  const reader = new Reader(json, keys)
  const out = reader.value('hide')
  reader.end()
  return out
}

type Treatment = 'keep' | 'hide' | 'sql'
const space = /[ \t\r\n]*/y
const literal = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
/** No plan of a database is deeper; a text that is would exhaust the stack. */
const maxDepth = 200

class Reader {
  readonly #text: string
  readonly #keys: PlanKeys
  #at = 0
  #depth = 0

  constructor(text: string, keys: PlanKeys) {
    this.#text = text
    this.#keys = keys
  }

  value(treatment: Treatment): string {
    this.#blank()
    const first = this.#text[this.#at]
    if (first !== '{' && first !== '[') return this.#scalar(treatment)
    if (++this.#depth > maxDepth) throw new SyntaxError(`a plan deeper than ${maxDepth}`)
    // Of a list of conditions none is read as SQL: each is hidden.
    const within = treatment === 'keep' ? 'keep' : 'hide'
    const out = first === '{' ? this.#object(within) : this.#array(within)
    this.#depth--
    return out
  }

  end(): void {
    this.#blank()
    if (this.#at < this.#text.length) throw this.#wrong()
  }

  #object(within: Treatment): string {
    return this.#list('}', () => {
      this.#blank()
      const key = this.#literal()
      if (!key.startsWith('"')) throw this.#wrong()
      this.#blank()
      this.#expect(':')
      return `${key}:${this.value(within === 'keep' ? 'keep' : this.#treatmentOf(key.slice(1, -1)))}`
    })
  }

  #array(within: Treatment): string {
    return this.#list(']', () => this.value(within))
  }

  #list(closing: string, item: () => string): string {
    const items: string[] = []
    const opening = this.#text[this.#at++]!
    this.#blank()
    if (this.#text[this.#at] !== closing) {
      for (;;) {
        items.push(item())
        this.#blank()
        if (this.#text[this.#at] !== ',') break
        this.#at++
      }
    }
    this.#expect(closing)
    return `${opening}${items.join(',')}${closing}`
  }

  #scalar(treatment: Treatment): string {
    const text = this.#literal()
    if (treatment === 'keep') return text
    return treatment === 'hide' ? '"?"' : JSON.stringify(this.#obfuscated(text))
  }

  #obfuscated(text: string): string {
    const { dialect, keepAliases } = this.#keys
    try {
      return obfuscateSql(text.startsWith('"') ? (JSON.parse(text) as string) : text, dialect, { keepAliases })
    } catch (error) {
      // What cannot be read as SQL is hidden whole.
      if (error instanceof SqlError) return '?'
      throw error
    }
  }

  #treatmentOf(key: string): Treatment {
    if (this.#keys.keep.has(key)) return 'keep'
    return this.#keys.sql.has(key) ? 'sql' : 'hide'
  }

  #literal(): string {
    literal.lastIndex = this.#at
    const text = literal.exec(this.#text)?.[0]
    if (text === undefined) throw this.#wrong()
    this.#at += text.length
    return text
  }

  #blank(): void {
    space.lastIndex = this.#at
    this.#at += space.exec(this.#text)![0].length
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#wrong()
    this.#at++
  }

  #wrong(): SyntaxError {
    return new SyntaxError(`the plan is no JSON at position ${this.#at}`)
  }
}
