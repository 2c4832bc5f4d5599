/**
 * Cuts the text of a statement into tokens. It reads what databases are sent, not a grammar: the aim is to know literals from names. Which characters
 * belong together follows the obfuscator that upstream uses (Datadog's `obfuscate`), so that texts come out the same.
 */
export type SqlDialect = 'postgresql' | 'mysql'

export type TokenKind =
  /** A name. */
  | 'word'
  | 'select'
  | 'update'
  | 'delete'
  | 'as'
  | 'savepoint'
  /** Any other word that is no name. */
  | 'keyword'
  /** A literal of any kind, a variable or a placeholder. */
  | 'value'
  /** In double quotes: a name, or in MySQL a literal. */
  | 'quoted'
  | 'comment'
  | 'operator'
  /** `:name` */
  | 'argument'

export interface Token {
  readonly kind: TokenKind
  /** As it is written anew: quotes of names are gone. */
  readonly text: string
}

const keywords: ReadonlyMap<string, TokenKind> = new Map<string, TokenKind>([
  ...['NULL', 'TRUE', 'FALSE'].map((word) => [word, 'value'] as const),
  ['SAVEPOINT', 'savepoint'],
  ['AS', 'as'],
  ['SELECT', 'select'],
  ['UPDATE', 'update'],
  ['DELETE', 'delete'],
  ...[
    'LIMIT',
    'ALTER',
    'CREATE',
    'GRANT',
    'REVOKE',
    'COMMIT',
    'BEGIN',
    'TRUNCATE',
    'DROP',
    'FROM',
    'INSERT',
    'INTO',
    'JOIN',
  ].map((word) => [word, 'keyword'] as const),
])
/** The longest of them. */
const maxKeyword = 9

const letter = /[\p{L}_@]/u
const digit = /[0-9]/
const number = /0[xX][0-9a-fA-F]*|\d+\.?\d*(?:[eE][+-]?\d*)?/y
const fraction = /\d+(?:[eE][+-]?\d*)?/y
const space = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

export class SqlError extends Error {}

export class Tokenizer {
  /** Whether a string held a backslash: where the text cannot be read, reading backslashes the other way may help. */
  sawEscape = false
  readonly #text: string
  readonly #dialect: SqlDialect
  readonly #escapes: boolean
  #at = 0
  #braces = 0

  /** `escapes`: a backslash within a string takes the next character with it. */
  constructor(text: string, dialect: SqlDialect, escapes: boolean) {
    this.#text = text
    this.#dialect = dialect
    this.#escapes = escapes
  }

  /** Undefined at the end. Throws `SqlError`. */
  next(): Token | undefined {
    while (space.test(this.#peek())) this.#at++
    const start = this.#at
    const first = this.#take()
    if (first === '') return undefined
    const isPostgres = this.#dialect === 'postgresql'
    if (letter.test(first) && !(isPostgres && first === '@')) return this.#word(start)
    if (digit.test(first)) return this.#number(start, start, number)
    switch (first) {
      case "'":
        return { kind: 'value', text: this.#quoted("'") }
      case '"':
        return { kind: 'quoted', text: this.#quoted('"') }
      case '`':
        return { kind: 'word', text: this.#quoted('`') }
      case '-':
        if (this.#skip('-')) return this.#lineComment(start)
        if (isPostgres && this.#skip('>')) return this.#operator(start, '>')
        // As upstream: in MySQL the arrow of a JSON path begins like a number.
        if (this.#peek() === '>') return { kind: 'value', text: '-' }
        if (digit.test(this.#peek())) return this.#number(start, this.#at, number)
        if (this.#peek() === '.' && digit.test(this.#text[this.#at + 1] ?? ''))
          return this.#number(start, this.#at + 1, fraction)
        return this.#operator(start)
      case '.':
        return digit.test(this.#peek()) ? this.#number(start, this.#at, fraction) : this.#operator(start)
      case '/':
        if (this.#skip('/')) return this.#lineComment(start)
        return this.#skip('*') ? this.#blockComment(start) : this.#operator(start)
      case '#':
        if (!isPostgres) return this.#lineComment(start)
        if (this.#skip('>')) return this.#operator(start, '>')
        this.#skip('-')
        return this.#operator(start)
      case ':':
        return this.#colon(start)
      case '$':
        return this.#dollar(start)
      case '%':
        return this.#percent(start)
      case '{':
        return this.#brace(start)
      case '}':
        if (this.#braces === 0) throw this.#unexpected(start)
        this.#braces--
        return this.#operator(start)
      case '~':
        return this.#operator(start, '*')
      case '?':
        if (!isPostgres) return { kind: 'value', text: '?' }
        return this.#operator(start, '|', '&')
      case '<':
        if (this.#skip('>')) return this.#operator(start)
        if (this.#skip('=')) return this.#operator(start, '>')
        if (isPostgres) this.#skip('@')
        return this.#operator(start)
      case '>':
        return this.#operator(start, '=')
      case '@':
        return this.#operator(start, '>')
      case '!':
        return this.#not(start)
      case '=':
      case ',':
      case ';':
      case '(':
      case ')':
      case '+':
      case '*':
      case '&':
      case '|':
      case '^':
      case '[':
      case ']':
        return this.#operator(start)
      default:
        throw this.#unexpected(start)
    }
  }

  #peek(): string {
    const code = this.#text.codePointAt(this.#at)
    return code === undefined ? '' : String.fromCodePoint(code)
  }

  #take(): string {
    const character = this.#peek()
    this.#at += character.length
    return character
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #unexpected(at: number): SqlError {
    return new SqlError(`at position ${at}: unexpected character ${JSON.stringify(this.#text[at])}`)
  }

  /** With one more character, where the next is one of these. */
  #operator(start: number, ...more: string[]): Token {
    for (const character of more) if (this.#skip(character)) break
    return { kind: 'operator', text: this.#text.slice(start, this.#at) }
  }

  #isLetter(): boolean {
    const next = this.#peek()
    return next !== '' && (next === '#' || letter.test(next))
  }

  #word(start: number): Token {
    for (let next = this.#peek(); next !== ''; next = this.#peek()) {
      if (!letter.test(next) && !/[0-9#.*$]/.test(next)) break
      this.#at += next.length
    }
    const text = this.#text.slice(start, this.#at)
    const keyword = text.length <= maxKeyword ? keywords.get(text.toUpperCase()) : undefined
    return { kind: keyword ?? 'word', text }
  }

  /** `from` is where its digits, or those of its fraction, begin. */
  #number(start: number, from: number, pattern: RegExp): Token {
    pattern.lastIndex = from
    this.#at = from + (pattern.exec(this.#text)?.[0].length ?? 0)
    return { kind: 'value', text: this.#text.slice(start, this.#at) }
  }

  /** The text between the delimiters; the first one is taken already. */
  #quoted(delimiter: string): string {
    let out = ''
    for (;;) {
      const character = this.#take()
      if (character === '') throw new SqlError(`at position ${this.#at}: unexpected EOF in string`)
      if (character === delimiter) {
        if (!this.#skip(delimiter)) break
        out += delimiter
      } else if (character === '\\') {
        this.sawEscape = true
        const escaped = this.#escapes ? this.#take() : character
        if (escaped === '') throw new SqlError(`at position ${this.#at}: unexpected EOF in string`)
        out += escaped
      } else out += character
    }
    // A name of spaces only keeps its quotes: without them the text would say something else.
    return out.trim() === '' ? delimiter + delimiter : out
  }

  #lineComment(start: number): Token {
    const end = this.#text.indexOf('\n', this.#at)
    this.#at = end < 0 ? this.#text.length : end + 1
    return { kind: 'comment', text: this.#text.slice(start, this.#at) }
  }

  #blockComment(start: number): Token {
    const end = this.#text.indexOf('*/', this.#at)
    if (end < 0) throw new SqlError(`at position ${this.#text.length}: unexpected EOF in comment`)
    this.#at = end + 2
    return { kind: 'comment', text: this.#text.slice(start, this.#at) }
  }

  #colon(start: number): Token {
    if (this.#skip(':')) return this.#operator(start)
    const next = this.#peek()
    if (next === '=' || space.test(next)) return this.#operator(start)
    if (!this.#isLetter() && !digit.test(next))
      throw new SqlError(`at position ${start}: bind variables should start with letters or digits`)
    while (this.#isLetter() || /[0-9.]/.test(this.#peek())) this.#take()
    return { kind: 'argument', text: this.#text.slice(start, this.#at) }
  }

  /** `$1`, `$?`, or a string in dollars: `$$...$$`, `$tag$...$tag$`. */
  #dollar(start: number): Token {
    const next = this.#peek()
    if (next === '?') {
      this.#at++
      return { kind: 'value', text: '?' }
    }
    if (digit.test(next)) return this.#number(start, this.#at, number)
    const tagEnd = this.#text.indexOf('$', this.#at)
    if (tagEnd < 0) throw new SqlError(`at position ${start}: unexpected EOF in string`)
    const tag = this.#text.slice(start, tagEnd + 1)
    const end = this.#text.indexOf(tag, tagEnd + 1)
    if (end < 0) throw new SqlError(`at position ${start}: unexpected EOF in dollar-quoted string`)
    this.#at = end + tag.length
    return { kind: 'value', text: '?' }
  }

  /** `%(name)s` and `%s` are placeholders of drivers, `%` alone is the modulo. */
  #percent(start: number): Token {
    if (this.#peek() === '(') {
      const end = this.#text.indexOf(')', this.#at)
      if (end < 0) throw new SqlError(`at position ${start}: invalid character after variable identifier`)
      this.#at = end + 1
      if (!this.#isLetter()) throw new SqlError(`at position ${start}: invalid character after variable identifier`)
      this.#take()
      return { kind: 'value', text: '?' }
    }
    if (!this.#isLetter()) return this.#operator(start)
    this.#take()
    return { kind: 'value', text: '?' }
  }

  /** An escape of ODBC: one around the whole statement is kept, with what is in it. */
  #brace(start: number): Token {
    if (start === 0 || this.#braces > 0) {
      this.#braces++
      return this.#operator(start)
    }
    const end = this.#text.indexOf('}', this.#at)
    if (end < 0) throw new SqlError(`at position ${start}: unexpected EOF in escape sequence`)
    this.#at = end + 1
    return { kind: 'value', text: '?' }
  }

  #not(start: number): Token {
    if (this.#skip('=')) return this.#operator(start)
    if (this.#skip('~')) return this.#operator(start, '*')
    const next = this.#peek()
    if (next !== '' && (/[(`'"+\-0-9#]/.test(next) || letter.test(next) || space.test(next)))
      return this.#operator(start)
    throw this.#unexpected(start)
  }
}
