/** One template: tokens of which some are variables, and how it gives way to lines that differ from it. */
import { hardKind, type LineTokens, markKind, restKind, wordKind } from './log-tokens.ts'
import { keyOf, star, WordHash } from './word-hash.ts'

/** How a variable is shown. */
const wildcard = '<*>'

/** What a token of a template matches: its own text, any one token, any number of tokens, or a word with any number at its end (`node-7`). */
const literal = 0
const one = 1
const rest = 2
const numbered = 3

/** Text, form, whether a word, hash, whether white space stands before it. */
type SavedToken = readonly [text: string, form: number, isWord: 0 | 1, hash: number, spaced: number]
export interface SavedTemplate {
  readonly id: string
  readonly count: number
  readonly words: readonly number[]
  readonly stars: number
  readonly tokens: readonly SavedToken[]
}

const hasher = new WordHash()

export class LogTemplate {
  /** 16 hex digits, a hash of the words of the line it was made of: the same in every process in which it is first. */
  readonly id: string
  /** Hashes of its words, in order; `star` for those that are variables. A template without words has its marks here. */
  readonly words: Int32Array
  /** How many of `words` are stars. */
  stars = 0
  /** Lines. */
  count = 0
  /** Of the owner's eviction. */
  isRecent = false
  /** Forgotten, or a part of `into` now. */
  isGone = false
  into: LogTemplate | undefined
  private readonly tokens: Token[]
  private shown: string | undefined

  private constructor(id: string, words: Int32Array, tokens: Token[]) {
    this.id = id
    this.words = words
    this.tokens = tokens
  }

  static of(id: string, line: LineTokens, words: Int32Array): LogTemplate {
    const tokens: Token[] = []
    for (let i = 0; i < line.count; i++) {
      const kind = line.kind[i]!
      const form = kind === hardKind ? one : kind === restKind ? rest : literal
      const text = form === literal ? owned(line.textOf(i)) : wildcard
      tokens.push(new Token(text, form, kind === wordKind, line.hash[i]!, line.spaced[i]!))
    }
    return new LogTemplate(id, words, tokens)
  }

  /** Throws on what `save` did not write. */
  static restored(saved: SavedTemplate): LogTemplate {
    const { id, count, words, stars, tokens } = saved
    if (typeof id !== 'string' || !Array.isArray(words) || !Array.isArray(tokens) || !Number.isSafeInteger(count))
      throw new Error('saved templates: one of them is no template')
    const own = tokens.map(([text, form, isWord, hash, spaced]) => new Token(text, form, isWord === 1, hash, spaced))
    const template = new LogTemplate(id, Int32Array.from(words), own)
    template.count = count
    template.stars = stars
    return template
  }

  save(): SavedTemplate {
    const { id, count, stars } = this
    const tokens = this.tokens.map(
      ({ text, form, isWord, hash, spaced }): SavedToken => [text, form, isWord ? 1 : 0, hash, spaced],
    )
    return { id, count, words: [...this.words], stars, tokens }
  }

  /** As it is known now, with `<*>` for variables. */
  get text(): string {
    if (this.shown !== undefined) return this.shown
    let text = ''
    for (const [i, token] of this.tokens.entries()) text += token.spaced === 1 && i > 0 ? ` ${token.text}` : token.text
    this.shown = owned(text)
    return this.shown
  }

  get hasWords(): boolean {
    return this.tokens.some(({ isWord }) => isWord)
  }

  /** Of its words. */
  key(): number {
    hasher.of(this.words, this.words.length)
    return keyOf(hasher.h1, hasher.h2)
  }

  /** Makes a variable of the word at that place among the words. */
  star(place: number): void {
    this.words[place] = star
    this.stars++
    let at = -1
    for (const token of this.tokens) {
      if (token.isWord) at++
      if (at < place) continue
      this.open(token, one, wildcard)
      return
    }
  }

  /** Makes variables of what differs in `line`. Its words are those of this template. */
  fit(line: LineTokens): void {
    const { tokens } = this
    const n = line.count
    if (n === tokens.length) {
      let i = 0
      for (; i < n; i++) {
        const token = tokens[i]!
        if (token.form === rest || token.isWord !== (line.kind[i] === wordKind)) break
        if (token.form === literal && token.hash !== line.hash[i]) this.loosen(token, line, i)
      }
      if (i === n) return
    }
    this.align(line)
  }

  /** What stood at the variables, in order, in a line that was fitted. */
  parameters(line: LineTokens): string[] {
    const { tokens } = this
    const values: string[] = []
    let at = 0
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!
      if (token.form === rest) {
        // It ends where as many tokens are left as the template has up to its next word, or to its end.
        let end = at
        while (end < line.count && line.kind[end] !== wordKind) end++
        let behind = 0
        for (let k = i + 1; k < tokens.length && !tokens[k]!.isWord; k++) behind++
        const to = Math.max(at, end - behind)
        values.push(to > at ? line.line.slice(line.start[at], line.end[to - 1]) : '')
        at = to
        continue
      }
      if (token.form === one) values.push(line.textOf(at))
      else if (token.form === numbered) values.push(line.line.slice(line.stem[at], line.end[at]))
      at++
    }
    return values
  }

  /** Word by word; what stands between two words is compared as one. */
  private align(line: LineTokens): void {
    let a = 0
    let b = 0
    for (;;) {
      let a2 = a
      let b2 = b
      while (a2 < this.tokens.length && !this.tokens[a2]!.isWord) a2++
      while (b2 < line.count && line.kind[b2] !== wordKind) b2++
      a2 = this.alignGap(line, a, a2, b, b2)
      if (a2 >= this.tokens.length || b2 >= line.count) return
      const token = this.tokens[a2]!
      if (token.form === literal && token.hash !== line.hash[b2]) this.loosen(token, line, b2)
      a = a2 + 1
      b = b2 + 1
    }
  }

  /** Tokens [a, a2) of the template against [b, b2) of the line. Answers the new a2. */
  private alignGap(line: LineTokens, a: number, a2: number, b: number, b2: number): number {
    const { tokens } = this
    let at = a
    while (at < a2 && tokens[at]!.form !== rest) at++
    const hasRest = at < a2
    if (!hasRest && a2 - a === b2 - b) {
      for (let i = a, j = b; i < a2; i++, j++) {
        const token = tokens[i]!
        if (token.form === literal && token.hash !== line.hash[j]) this.loosen(token, line, j)
      }
      return a2
    }
    // What both begin and end with stays, the middle is any number of tokens.
    let from = a
    let j = b
    const fromEnd = hasRest ? at : a2
    while (from < fromEnd && j < b2 && isSame(tokens[from]!, line, j)) {
      from++
      j++
    }
    let to = a2
    let k = b2
    const toStart = hasRest ? at + 1 : from
    while (to > toStart && k > j && isSame(tokens[to - 1]!, line, k - 1)) {
      to--
      k--
    }
    if (hasRest && from === at && to === at + 1) return a2
    // `<*> <*>` of which one is any number of tokens says no more than one.
    while (from > a && tokens[from - 1]!.form === one) from--
    while (to < a2 && tokens[to]!.form === one) to++
    const spaced = from < to ? tokens[from]!.spaced : line.spaced[j]!
    tokens.splice(from, to - from, new Token(wildcard, rest, false, 0, spaced))
    this.shown = undefined
    return a2 - (to - from) + 1
  }

  private loosen(token: Token, line: LineTokens, at: number): void {
    const stem = line.stem[at]! - line.start[at]!
    const text = line.line
    const isNumbered =
      token.isWord &&
      line.stem[at] !== line.end[at] &&
      token.text.length > stem &&
      text.startsWith(token.text.slice(0, stem), line.start[at])
    if (isNumbered) this.open(token, numbered, `${token.text.slice(0, stem)}${wildcard}`)
    else this.open(token, one, wildcard)
  }

  private open(token: Token, form: number, text: string): void {
    token.form = form
    token.text = text
    token.hash = 0
    this.shown = undefined
  }
}

class Token {
  text: string
  form: number
  hash: number
  readonly isWord: boolean
  /** 1 where white space stands before it. */
  readonly spaced: number

  constructor(text: string, form: number, isWord: boolean, hash: number, spaced: number) {
    this.text = text
    this.form = form
    this.isWord = isWord
    this.hash = hash
    this.spaced = spaced
  }
}

function isSame(token: Token, line: LineTokens, at: number): boolean {
  return token.form === one ? line.kind[at] !== markKind : token.hash === line.hash[at]
}

/** A slice of a string keeps all of it in memory. */
function owned(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf16le').toString('utf16le')
}
