/**
 * RE2 patterns as JavaScript ones, with a bound on what matching them by backtracking can cost. Only the plain part of RE2 is translated, of which
 * both are known to mean the same; `regex.ts` runs the rest on the linear engine.
 */

export interface Translated {
  readonly source: string
  readonly flags: string
  /** A match over n characters takes at most about `factor * n ** degree` steps. */
  readonly degree: number
  readonly factor: number
  readonly groups: readonly (string | undefined)[]
}

/** What of a pattern decides its cost. */
interface Piece {
  readonly source: string
  /** Ways in which it can match at one place, loops aside. */
  readonly factor: number
  readonly loops: number
  /** Has a fixed course: one way to match, no loops. */
  readonly isFixed: boolean
  /** Matches the empty text, so that what it ends cannot fail on its account. */
  readonly isOptional: boolean
}

const maxFactor = 2000
const untranslatable = Symbol('untranslatable')

export function translate(pattern: string): Translated | undefined {
  try {
    const reader = new Reader(pattern)
    const body = reader.alternatives()
    if (reader.at < pattern.length || body.factor > maxFactor) return undefined
    const anchored = /^(?:\^|\\A)/.test(pattern) && !reader.hasTopAlternatives && !reader.isMultiline
    return {
      source: body.source,
      flags: reader.ignoreCase ? 'iu' : 'u',
      degree: Math.max(1, body.loops) + (anchored || body.loops === 0 ? 0 : 1),
      factor: body.factor,
      groups: reader.groups,
    }
  } catch (error) {
    if (error === untranslatable) return undefined
    throw error
  }
}

const classes: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: '\\t\\n\\f\\r ' }
const posix: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  space: '\\t\\n\\v\\f\\r ',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}
const controls: Readonly<Record<string, string>> = { a: '\\x07', f: '\\f', t: '\\t', n: '\\n', r: '\\r', v: '\\v' }

class Reader {
  at = 0
  ignoreCase = false
  isMultiline = false
  hasTopAlternatives = false
  readonly groups: (string | undefined)[] = [undefined]
  private readonly pattern: string
  private depth = 0
  private dotAll = false

  constructor(pattern: string) {
    this.pattern = pattern
    const flags = /^\(\?([ims]+)\)/.exec(pattern)
    if (flags !== null) {
      this.at = flags[0].length
      this.ignoreCase = flags[1]!.includes('i')
      this.isMultiline = flags[1]!.includes('m')
      this.dotAll = flags[1]!.includes('s')
    }
    // Case folding beyond ASCII differs between the engines.
    // oxlint-disable-next-line no-control-regex -- ASCII is meant
    if (this.ignoreCase && /[^\x00-\x7f]|\\[wWbB]|\[:/.test(pattern)) throw untranslatable
  }

  alternatives(): Piece {
    if (++this.depth > 50) throw untranslatable
    const pieces = [this.sequence()]
    while (this.accept('|')) pieces.push(this.sequence())
    this.depth--
    if (pieces.length === 1) return pieces[0]!
    if (this.depth === 0) this.hasTopAlternatives = true
    return {
      source: pieces.map(({ source }) => source).join('|'),
      factor: pieces.reduce((sum, { factor }) => sum + factor, 0),
      loops: Math.max(...pieces.map(({ loops }) => loops)),
      isFixed: false,
      isOptional: pieces.every(({ isOptional }) => isOptional),
    }
  }

  private sequence(): Piece {
    const pieces: Piece[] = []
    while (this.at < this.pattern.length && this.peek() !== '|' && this.peek() !== ')') {
      pieces.push(this.repeated(this.atom()))
    }
    let loops = pieces.reduce((sum, piece) => sum + piece.loops, 0)
    if (this.depth === 1) loops -= endingLoops(pieces)
    return {
      source: pieces.map(({ source }) => source).join(''),
      factor: pieces.reduce((product, { factor }) => Math.min(product * factor, maxFactor + 1), 1),
      loops,
      isFixed: pieces.every(({ isFixed }) => isFixed),
      isOptional: pieces.every(({ isOptional }) => isOptional),
    }
  }

  private repeated(atom: Piece & { readonly isAssertion?: boolean }): Piece {
    const match = /^(?:([*+?])|\{(\d+)(,(\d*))?\})(\??)/.exec(this.pattern.slice(this.at, this.at + 20))
    if (match === null) {
      if (this.peek() === '{') throw untranslatable
      return atom
    }
    this.at += match[0].length
    if (/^[*+?]/.test(this.pattern.slice(this.at)) || atom.isAssertion === true) throw untranslatable
    const [, simple, least, comma, most, lazy] = match
    const from = simple === undefined ? Number(least) : simple === '+' ? 1 : 0
    const to =
      simple === '?'
        ? 1
        : simple !== undefined || (comma !== undefined && most === '')
          ? undefined
          : Number(most ?? least)
    const source = `${atom.source}${simple ?? `{${from}${to === undefined ? ',' : to === from ? '' : `,${to}`}}`}${lazy}`
    if (from > 100 || (to !== undefined && (to > 1000 || to < from))) throw untranslatable
    // What repeats must have one way to match, or the ways multiply with each repetition.
    if (!atom.isFixed && !(to === 1 && from === 0)) throw untranslatable
    const isOptional = from === 0 || atom.isOptional
    if (to === undefined) return { source, factor: Math.max(1, from), loops: 1, isFixed: false, isOptional }
    const factor = atom.factor * Math.max(to, to - from + 1)
    return { source, factor, loops: atom.loops, isFixed: to === from && atom.isFixed, isOptional }
  }

  private atom(): Piece & { readonly isAssertion?: boolean } {
    const c = this.next()
    switch (c) {
      case '(':
        return this.group()
      case '[':
        return fixed(this.set())
      case '.':
        return fixed(this.dotAll ? '[^]' : '[^\\n]')
      case '^':
        return assertion(this.isMultiline ? '(?:^|(?<=\\n))' : '^')
      case '$':
        return assertion(this.isMultiline ? '(?:$|(?=\\n))' : '$')
      case '\\':
        return this.escape()
      case '*':
      case '+':
      case '?':
      case '{':
        throw untranslatable
      default:
        return fixed(literal(c))
    }
  }

  private group(): Piece {
    let open = '('
    if (this.peek() === '?') {
      const head = /^\?(?::|P?<([A-Za-z_]\w*)>)/.exec(this.pattern.slice(this.at))
      if (head === null) throw untranslatable
      this.at += head[0].length
      if (head[1] === undefined) open = '(?:'
      else this.groups.push(head[1])
    } else this.groups.push(undefined)
    const body = this.alternatives()
    if (!this.accept(')')) throw untranslatable
    return { ...body, source: `${open}${body.source})` }
  }

  private escape(): Piece & { readonly isAssertion?: boolean } {
    const c = this.next()
    if (c === 'A') return assertion('^')
    if (c === 'z') return assertion('$')
    // Between the halves of a surrogate pair V8 finds a \B.
    if (c === 'B') throw untranslatable
    if (c === 'b') return assertion('\\b')
    if (c in classes) return fixed(`[${classes[c]!}]`)
    if (c.toLowerCase() in classes) return fixed(`[^${classes[c.toLowerCase()]!}]`)
    return fixed(this.escaped(c))
  }

  private escaped(c: string): string {
    if (c in controls) return controls[c]!
    if (c === 'x') {
      const match = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.pattern.slice(this.at))
      if (match === null) throw untranslatable
      this.at += match[0].length
      return `\\u{${match[1] ?? match[2]!}}`
    }
    if (/[A-Za-z0-9\u0080-\uffff]/.test(c)) throw untranslatable
    return literal(c)
  }

  private set(): string {
    let source = this.accept('^') ? '[^' : '['
    let isFirst = true
    for (;;) {
      const c = this.next()
      if (c === ']' && !isFirst) return `${source}]`
      isFirst = false
      if (c === '[' && this.peek() === ':') {
        const match = /^:([a-z]+):\]/.exec(this.pattern.slice(this.at))
        const known = match === null ? undefined : posix[match[1]!]
        if (known === undefined) throw untranslatable
        this.at += match![0].length
        source += known
        continue
      }
      if (c === '\\' && /[dws]/.test(this.peek())) {
        source += classes[this.next()]!
        if (this.peek() === '-' && this.pattern[this.at + 1] !== ']') throw untranslatable
        continue
      }
      source += c === '\\' ? this.escapedMember() : member(c)
      if (this.peek() === '-' && this.pattern[this.at + 1] !== ']') {
        this.at++
        const to = this.next()
        if (to === '[') throw untranslatable
        source += `-${to === '\\' ? this.escapedMember() : member(to)}`
      }
    }
  }

  private escapedMember(): string {
    const c = this.next()
    return c === '-' ? '\\-' : this.escaped(c)
  }

  private peek(): string {
    return this.pattern[this.at] ?? ''
  }

  private next(): string {
    const code = this.pattern.codePointAt(this.at)
    if (code === undefined) throw untranslatable
    const c = String.fromCodePoint(code)
    this.at += c.length
    return c
  }

  private accept(c: string): boolean {
    if (this.peek() !== c) return false
    this.at++
    return true
  }
}

/** Loops at the end of a pattern, after which nothing can fail: their text is matched once and never looked at again. */
function endingLoops(pieces: readonly Piece[]): number {
  let loops = 0
  for (let i = pieces.length - 1; i >= 0; i--) {
    const piece = pieces[i]!
    if (piece.isOptional) loops += piece.loops
    else return /[+}]\??$/.test(piece.source) ? loops + piece.loops : loops
  }
  return loops
}

function fixed(source: string): Piece {
  return { source, factor: 1, loops: 0, isFixed: true, isOptional: false }
}

function assertion(source: string): Piece & { readonly isAssertion: true } {
  return { ...fixed(source), isAssertion: true }
}

function literal(c: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(c) ? `\\${c}` : c
}

/** In a class a hyphen has a meaning too. */
function member(c: string): string {
  return c === '-' ? '\\-' : literal(c)
}
