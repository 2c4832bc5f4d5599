/**
 * Splits a log line into tokens and says of each by its form alone what it is: a word, a value that varies, or punctuation. No list of names and no
 * regular expression: one pass over the characters, so that a line costs about a microsecond.
 */

/** A word of the message: it tells templates apart. */
export const wordKind = 1
/** Shown as it came, until another text stands there: a dotted name, a unit, a value behind an equals sign or in quotes. */
const softKind = 2
/** Varies by its form: a number, an address, an id, a path, a time. Never shown. */
export const hardKind = 3
export const markKind = 4
/** What lies behind the limits below, as one value. */
export const restKind = 5

/** What a line is looked at for. More is one value at its end. */
const maxTokens = 128
const maxChars = 2048
/** A longer token is a value. */
const maxTokenChars = 96

const fnvPrime = 0x01000193

const space = 1
const letter = 2
const digit = 4
const delimiter = 8
const hexLetter = 16

const classes = new Uint8Array(128)
for (let c = 0; c < 33; c++) classes[c] = space
for (let c = 48; c < 58; c++) classes[c] = digit
for (let c = 65; c < 91; c++) classes[c] = letter
for (let c = 97; c < 123; c++) classes[c] = letter
for (const c of 'abcdefABCDEF') classes[c.charCodeAt(0)] = letter | hexLetter
classes[95] = letter
for (const c of '=,;()[]{}<>"\'`|') classes[c.charCodeAt(0)] = delimiter

/** What may follow a number: shown, but no reason for another template. */
const units = new Set(
  'B b KB MB GB TB PB kB kb Kb Mb Gb KiB MiB GiB TiB bytes byte ns us ms s sec secs second seconds m min mins minute minutes h hr hrs hour hours d day days'.split(
    ' ',
  ),
)

/** Words behind "user" that are no name. */
const behindUser = new Set(
  'a an and are as at be by can cannot could did does for from had has have in is may must name not of on or should that the to was were will with'.split(
    ' ',
  ),
)

/** Of dates that are written out. */
const calendar = new Set('Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' '))

/** The tokens of the line that was scanned last. Read them before the next one. */
export class LineTokens {
  count = 0
  readonly kind = new Uint8Array(maxTokens)
  readonly start = new Int32Array(maxTokens)
  readonly end = new Int32Array(maxTokens)
  /** Of the text. */
  readonly hash = new Int32Array(maxTokens)
  /** Where the letters end of a word that ends in a number (`en0`, `node-246`): equal up to there is the same word. Otherwise where the token ends. */
  readonly stem = new Int32Array(maxTokens)
  /** Of the text up to `stem`. */
  readonly stemHash = new Int32Array(maxTokens)
  /** 1 where white space stands before it. */
  readonly spaced = new Uint8Array(maxTokens)
  line = ''
  private gap = 0

  textOf(i: number): string {
    return this.line.slice(this.start[i], this.end[i])
  }

  scan(line: string): void {
    this.line = line
    this.count = 0
    this.gap = 0
    const length = Math.min(line.length, maxChars)
    let i = 0
    while (i < length) {
      const c = line.charCodeAt(i)
      const is = c < 128 ? classes[c]! : letter
      if (is === space) {
        if (c === 10 && this.count > 1) break
        this.gap = 1
        i++
      } else if (this.count >= maxTokens - 4) break
      else if (is === delimiter) {
        // A variable of a template that comes as a line.
        if (c === 60 && line.charCodeAt(i + 1) === 42 && line.charCodeAt(i + 2) === 62) {
          this.push(hardKind, i, i + 3, 0)
          i += 3
          continue
        }
        const close = c === 34 || c === 39 ? this.closingQuote(i, length) : 0
        if (close > 0) {
          this.push(markKind, i, i + 1, hashOf(line, i, i + 1))
          this.push(
            countOf(line, i + 1, close, isDigit) > 0 ? hardKind : softKind,
            i + 1,
            close,
            hashOf(line, i + 1, close),
          )
          this.push(markKind, close, close + 1, hashOf(line, close, close + 1))
          i = close + 1
        } else {
          this.push(markKind, i, i + 1, c)
          i++
        }
      } else i = this.field(i, length)
    }
    while (i < line.length && isSpace(line.charCodeAt(i))) i++
    if (i < line.length) {
      this.gap = 1
      this.push(restKind, i, line.length, 0)
    }
  }

  private push(as: number, start: number, end: number, textHash: number): void {
    const i = this.count++
    const isLong = end - start > maxTokenChars && as !== restKind
    const kind = isLong ? hardKind : as
    const hash = isLong ? 0 : textHash
    this.kind[i] = kind
    this.start[i] = start
    this.end[i] = end
    this.hash[i] = hash
    this.stem[i] = end
    this.stemHash[i] = hash
    this.spaced[i] = this.gap
    this.gap = 0
  }

  /** Of a quoted value (`tag="View Lock"`), where its quote closes; 0 where it is none. Texts in quotes elsewhere are part of the message. */
  private closingQuote(at: number, length: number): number {
    if (this.count === 0) return 0
    const before = this.line.charCodeAt(this.start[this.count - 1]!)
    if (this.kind[this.count - 1] !== markKind || (before !== 61 && before !== 58)) return 0
    const quote = this.line.charCodeAt(at)
    const until = Math.min(length, at + 128)
    for (let i = at + 1; i < until; i++) {
      if (this.line.charCodeAt(i) !== quote) continue
      if (i === at + 1) return 0
      const next = i + 1 < length ? this.line.charCodeAt(i + 1) : 32
      return next < 128 && (classes[next]! & (space | delimiter)) !== 0 ? i : 0
    }
    return 0
  }

  /** A run without white space and delimiters. Answers where it ends. */
  private field(from: number, length: number): number {
    const { line } = this
    let letters = 0
    let others = 0
    let digits = 0
    let hash = 0
    let isQuery = false
    let i = from
    for (; i < length; i++) {
      const c = line.charCodeAt(i)
      const is = c < 128 ? classes[c]! : letter
      if ((is & letter) !== 0) letters++
      else if (is === digit) digits++
      else if (is === space) break
      else if (is === delimiter) {
        // An apostrophe between letters is part of the word.
        if (c === 61 && isQuery) continue
        if (c !== 39 || i === from || i + 1 >= length) break
        if (!isLetter(line.charCodeAt(i - 1)) || !isLetter(line.charCodeAt(i + 1))) break
        letters++
      } else {
        others++
        if (c === 63 && i > from) isQuery = true
      }
      hash = Math.imul(hash ^ c, fnvPrime) | 0
    }
    if (others === 0 && digits === 0) this.word(from, i, hash)
    else if (others === 0 && letters === 0) this.push(hardKind, from, i, 0)
    else this.pieces(from, i)
    return i
  }

  private word(from: number, to: number, hash: number): void {
    if (to - from > 7 && countOf(this.line, from, to, isHexDigit) === to - from) {
      this.push(hardKind, from, to, 0)
      return
    }
    const before = this.count - 1
    const isUnit =
      to - from < 8 && before >= 0 && this.kind[before] === hardKind && units.has(this.line.slice(from, to))
    const isDate = to - from === 3 && calendar.has(this.line.slice(from, to))
    this.push(isUnit || isDate || this.isUser(from, to) || this.isValue() ? softKind : wordKind, from, to, hash)
  }

  /** Whether it is the name in `user root`; "user is" and its kin go on with the sentence. */
  private isUser(from: number, to: number): boolean {
    const before = this.count - 1
    if (before < 0 || this.kind[before] !== wordKind || this.end[before] !== from - 1) return false
    const start = this.start[before]!
    const length = this.end[before]! - start
    if ((length !== 4 && length !== 8) || !this.line.startsWith('user', start)) return false
    return (length === 4 || this.line.startsWith('name', start + 4)) && !behindUser.has(this.line.slice(from, to))
  }

  /** Whether what comes stands behind an equals sign. */
  private isValue(): boolean {
    const before = this.count - 1
    if (before < 0 || this.line.charCodeAt(this.start[before]!) !== 61) return false
    // `a = b`, but in `a= b=c` there is no value for a.
    return this.gap === 0 || this.spaced[before] === 1
  }

  /** A field of more than letters or digits: what leads and trails is punctuation, and colons may divide it. */
  private pieces(start: number, end: number): void {
    const { line } = this
    let from = start
    let to = end
    while (from < to && isMark(line.charCodeAt(from))) from++
    // A sign belongs to its number, a root to its path.
    if (from > start && from < to) {
      const c = line.charCodeAt(from - 1)
      if (((c === 45 || c === 43) && isDigit(line.charCodeAt(from))) || c === 47 || c === 92) {
        from--
        while (from > start && line.charCodeAt(from - 1) === c) from--
      }
    }
    if (from > start) this.push(markKind, start, from, hashOf(line, start, from))
    if (this.count >= maxTokens - 4) return
    while (to > from && isTrailing(line.charCodeAt(to - 1))) to--
    if (to > from) this.piece(from, to)
    if (to < end) this.push(markKind, to, end, hashOf(line, to, end))
  }

  private piece(from: number, to: number): void {
    const { line } = this
    let colon = -1
    let run = -1
    let slashes = 0
    let digits = 0
    let onlyAddress = true
    for (let i = from; i < to; i++) {
      const c = line.charCodeAt(i)
      const is = c < 128 ? classes[c]! : letter
      if (is === digit) digits++
      else if ((c === 84 || c === 90) && isDigit(line.charCodeAt(from))) continue
      else if ((is & hexLetter) === 0 && c !== 58 && c !== 46 && c !== 45 && c !== 47 && c !== 37) onlyAddress = false
      if (c === 58 && colon < 0) colon = i
      if (isSlash(c)) slashes++
      else if (run < 0 && i > from && is === 0 && c === line.charCodeAt(i - 1) && c !== 58) run = i - 1
    }
    if (digits > 0 && onlyAddress) this.push(hardKind, from, to, 0)
    else if (colon < 0 && (run < 0 || slashes > 0)) this.classify(from, to, digits, slashes)
    else if (colon < 0) this.divide(from, run, to)
    else if (isUrl(line, colon) || isPort(line, from, to)) this.push(hardKind, from, to, 0)
    else this.divide(from, colon, to)
  }

  /** Around a run of one mark. */
  private divide(from: number, at: number, to: number): void {
    const { line } = this
    if (this.count >= maxTokens - 4) {
      this.push(restKind, from, to, 0)
      return
    }
    const mark = line.charCodeAt(at)
    let after = at + 1
    while (after < to && line.charCodeAt(after) === mark) after++
    if (at > from) this.classify(from, at, countOf(line, from, at, isDigit), countOf(line, from, at, isSlash))
    this.push(markKind, at, after, hashOf(line, at, after))
    if (after < to) this.pieces(after, to)
  }

  /** What cannot be divided. */
  private classify(from: number, to: number, digits: number, slashes: number): void {
    const { line } = this
    if (digits > 0) {
      this.numbered(from, to, slashes)
      return
    }
    const isPath = (slashes > 1 || isSlash(line.charCodeAt(from))) && to - from > 1
    const hash = hashOf(line, from, to)
    if (isPath) this.push(hardKind, from, to, 0)
    else if (countOf(line, from, to, isNameMark) > 0) this.push(softKind, from, to, hash)
    else if (countOf(line, from, to, isLetter) === 0) this.push(markKind, from, to, hash)
    else this.word(from, to, hash)
  }

  private numbered(from: number, to: number, slashes: number): void {
    const stem = slashes > 0 ? 0 : stemOf(this.line, from, to)
    if (stem === 0) {
      this.push(hardKind, from, to, 0)
      return
    }
    if (this.isUser(from, to) || this.isValue()) {
      this.push(softKind, from, to, hashOf(this.line, from, to))
      return
    }
    this.push(wordKind, from, to, hashOf(this.line, from, to))
    const at = this.count - 1
    this.stem[at] = stem
    // Not the hash of the letters alone: `node` and `node7` are two words.
    this.stemHash[at] = hashOf(this.line, from, stem) ^ 0x5bd1e995
  }
}

/** Where the letters end of a name that is letters and then a number (`en0`, `node-246`); 0 for an id, in which they mix. */
function stemOf(line: string, from: number, to: number): number {
  let i = from
  let isHex = true
  for (; i < to && isLetter(line.charCodeAt(i)); i++) {
    const c = line.charCodeAt(i)
    // Joined by underscores, with a number: an id.
    if (c === 95) return 0
    if (!isHexDigit(c)) isHex = false
  }
  if (i - from < 2 || (isHex && to - from > 3)) return 0
  if (i < to && (line.charCodeAt(i) === 45 || line.charCodeAt(i) === 46)) i++
  const stem = i
  while (i < to && isDigit(line.charCodeAt(i))) i++
  return i === to && i > stem ? stem : 0
}

/** `host.name:80` or `node7:80`. */
function isPort(line: string, from: number, to: number): boolean {
  let i = to - 1
  while (i > from && isDigit(line.charCodeAt(i))) i--
  if (i === to - 1 || i === from || line.charCodeAt(i) !== 58) return false
  for (i--; i > from; i--) {
    const c = line.charCodeAt(i)
    if (c === 58) return false
    if (c === 46) return true
  }
  return false
}

function hashOf(line: string, from: number, to: number): number {
  let hash = 0
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ line.charCodeAt(i), fnvPrime) | 0
  return hash
}

/** `scheme://` or `C:\\`. */
function isUrl(line: string, colon: number): boolean {
  return isSlash(line.charCodeAt(colon + 1))
}

function countOf(line: string, from: number, to: number, is: (c: number) => boolean): number {
  let count = 0
  for (let i = from; i < to; i++) if (is(line.charCodeAt(i))) count++
  return count
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57
}
function isHexDigit(c: number): boolean {
  return c < 128 && (classes[c]! & (digit | hexLetter)) !== 0
}
function isSlash(c: number): boolean {
  return c === 47 || c === 92
}
/** What names of hosts, packages and people are made of beside letters. */
function isNameMark(c: number): boolean {
  return c === 46 || c === 64
}
function isSpace(c: number): boolean {
  return c < 33
}
function isLetter(c: number): boolean {
  return c >= 128 || (classes[c]! & letter) !== 0
}
/** Neither letter nor digit. */
function isMark(c: number): boolean {
  return c < 128 && classes[c] === 0
}
/** What ends a word without being part of it; a percent sign is part of a number, a slash of a path. */
function isTrailing(c: number): boolean {
  return isMark(c) && c !== 37 && c !== 47 && c !== 92
}
