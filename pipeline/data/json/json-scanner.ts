/**
 * Walks JSON bytes without building values, so that 64-bit integers keep every digit and errors know their byte.
 *
 * One instance is reused: nothing here may keep a reference to the text after `release`.
 */
import { Rejected } from '../../component.ts'
import { doubleOf, hexValue, putCodePoint, simpleEscapes } from './json-text.ts'

export const char = {
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  lowerF: 0x66,
  lowerN: 0x6e,
  lowerT: 0x74,
  lowerU: 0x75,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const

/** As deep as upstream's JSON library follows a value that it skips. */
const maxSkippedDepth = 10_000
const maxQuoted = 40
const empty = new Uint8Array(0)
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent)
const utf8 = new TextDecoder()

/** 1 for a byte that a JSON string holds as it is. */
const plain = new Uint8Array(256).fill(1, 0x20)
plain[char.quote] = 0
plain[char.backslash] = 0

export class JsonScanner {
  text: Uint8Array = empty
  pos = 0
  end = 0
  /** Of the last integer read, in two's complement. */
  low = 0
  high = 0

  open(text: Uint8Array): void {
    this.text = text
    this.pos = 0
    this.end = text.length
  }

  release(): void {
    this.text = empty
  }

  /** The next byte that is not white space, not consumed; 0 at the end. */
  peek(): number {
    const { text, end } = this
    let pos = this.pos
    while (pos < end) {
      const c = text[pos]!
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) {
        this.pos = pos
        return c
      }
      pos++
    }
    this.pos = pos
    return 0
  }

  expect(c: number, what: string): void {
    if (this.peek() !== c) this.unexpected(what)
    this.pos++
  }

  /** `true`, `false` or `null`, whose first letter was seen. */
  literal(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.text[this.pos + i] !== word.charCodeAt(i)) this.unexpected(word)
    }
    this.pos += word.length
  }

  /** Goes behind the closing quote and answers where it is; the content may hold escapes. */
  endOfString(): number {
    const { text, end } = this
    let pos = this.pos
    for (;;) {
      while (plain[text[pos]!] === 1 && pos < end) pos++
      if (pos >= end) this.failAt(end, 'the text ends within a string')
      const c = text[pos]!
      if (c === char.quote) break
      if (c !== char.backslash) this.failAt(pos, 'control characters in strings must be escaped')
      pos += 2
    }
    this.pos = pos + 1
    return pos
  }

  /** A string that is not copied byte for byte; the opening quote is consumed. */
  string(): string {
    const { text, pos } = this
    const end = this.endOfString()
    return utf8.decode(hasBackslash(text, pos, end) ? this.unescape(pos, end) : text.subarray(pos, end))
  }

  /** Escapes resolved; half a surrogate pair becomes U+FFFD. */
  unescape(from: number, end: number): Uint8Array {
    const { text } = this
    const out = new Uint8Array(end - from)
    let length = 0
    for (let pos = from; pos < end; ) {
      const c = text[pos]!
      if (c !== char.backslash) {
        out[length++] = c
        pos++
        continue
      }
      const escaped = simpleEscapes[text[pos + 1]!]!
      if (escaped !== 0) {
        out[length++] = escaped
        pos += 2
        continue
      }
      if (text[pos + 1] !== char.lowerU) this.failAt(pos, 'no such escape in JSON')
      let point = this.unit(pos, end)
      pos += 6
      if (point >= 0xd800 && point < 0xdc00 && text[pos] === char.backslash && text[pos + 1] === char.lowerU) {
        const low = this.unit(pos, end)
        if (low >= 0xdc00 && low < 0xe000) {
          point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
          pos += 6
        }
      }
      length = putCodePoint(out, length, point >= 0xd800 && point < 0xe000 ? 0xfffd : point)
    }
    return out.subarray(0, length)
  }

  private unit(pos: number, end: number): number {
    let value = 0
    for (let i = pos + 2; i < pos + 6; i++) {
      const digit = i < end ? hexValue[this.text[i]!]! : -1
      if (digit < 0) this.failAt(pos, '\\u needs four hex digits')
      value = value * 16 + digit
    }
    return value
  }

  /** An integer as a number or as a decimal string, into `low` and `high`; answers whether it is negative. */
  integer(): boolean {
    const start = this.pos
    if (this.peek() !== char.quote) {
      const end = this.number()
      return this.decimal(this.pos, end, start, false)
    }
    this.pos++
    const from = this.pos
    const end = this.endOfString()
    const after = this.pos
    const negative = this.decimal(from, end, from - 1, true)
    this.pos = after
    return negative
  }

  /** Digits of at most 64 bits. As upstream, strings may carry a plus sign and leading zeros, numbers may not. */
  private decimal(from: number, end: number, at: number, quoted: boolean): boolean {
    const { text } = this
    let pos = from
    const negative = text[pos] === char.minus
    if (negative || (quoted && text[pos] === 0x2b)) pos++
    if (pos === end) this.failAt(at, `expected an integer, found ${this.quote(at, end)}`)
    while (pos < end - 1 && text[pos] === char.zero) pos++
    let head = 0
    let tail = 0
    const split = end - 9
    for (let i = pos; i < end; i++) {
      const digit = text[i]! - char.zero
      if (digit < 0 || digit > 9) this.failAt(at, `expected an integer, found ${this.quote(at, end)}`)
      if (i < split) head = head * 10 + digit
      else tail = tail * 10 + digit
    }
    if (end - pos > 20) this.failAt(at, `${this.quote(at, end)} does not fit into 64 bits`)
    // head * 1e9 + tail in 16-bit steps, each exact in a double.
    const low = (head % 65536) * 1e9 + tail
    const rest = Math.floor(head / 65536) * 1e9 + Math.floor(low / 65536)
    this.low = ((rest % 65536) * 65536 + (low % 65536)) >>> 0
    const high = Math.floor(rest / 65536)
    if (high > 0xffffffff) this.failAt(at, `${this.quote(at, end)} does not fit into 64 bits`)
    this.high = high
    this.pos = end
    return negative
  }

  /** Checks the grammar of the number that starts here, leaves `pos` at its start and answers its end. */
  number(): number {
    const { text } = this
    let pos = this.pos
    if (text[pos] === char.minus) pos++
    const first = text[pos]
    if (first === char.zero) pos++
    else {
      const from = pos
      while (isDigit(text[pos])) pos++
      if (pos === from) this.unexpected('a number')
    }
    if (text[pos] === char.dot) {
      const from = ++pos
      while (isDigit(text[pos])) pos++
      if (pos === from) this.failAt(pos, 'expected a digit after the decimal point')
    }
    if (text[pos] === 0x65 || text[pos] === 0x45) {
      pos++
      if (text[pos] === 0x2b || text[pos] === char.minus) pos++
      const from = pos
      while (isDigit(text[pos])) pos++
      if (pos === from) this.failAt(pos, 'expected a digit in the exponent')
    }
    if (isDigit(text[pos])) this.failAt(pos, 'a number must not start with 0')
    return pos
  }

  /** A number, or a string with a number, NaN or an infinity. */
  double(): number {
    const start = this.pos
    if (this.peek() === char.quote) {
      this.pos++
      const text = this.string()
      const value = doubleOf(text)
      if (value === undefined) this.failAt(start, `expected a number, found "${text.slice(0, maxQuoted)}"`)
      return value
    }
    const from = this.pos
    const end = this.number()
    this.pos = end
    const { text } = this
    // At most 15 digits over a power of ten up to 22: both exact, so one division rounds correctly.
    let mantissa = 0
    let decimals = -1
    if (end - from <= 16) {
      let pos = text[from] === char.minus ? from + 1 : from
      for (; pos < end; pos++) {
        const c = text[pos]!
        if (c === char.dot) decimals = 0
        else if (c > char.nine) break
        else {
          mantissa = mantissa * 10 + (c - char.zero)
          if (decimals >= 0) decimals++
        }
      }
      if (pos === end) {
        const value = decimals > 0 ? mantissa / powersOfTen[decimals]! : mantissa
        return text[from] === char.minus ? -value : value
      }
    }
    let digits = ''
    for (let pos = from; pos < end; pos++) digits += String.fromCharCode(text[pos]!)
    const value = Number(digits)
    if (!Number.isFinite(value)) this.failAt(from, `${this.quote(from, end)} is out of range of a double`)
    return value
  }

  /** Goes behind a value that nobody wants; iterative, so that nesting cannot exhaust the stack. */
  skip(): void {
    let depth = 0
    let closers: Uint8Array | undefined
    for (;;) {
      const c = this.peek()
      if (c === char.openBrace || c === char.openBracket) {
        this.pos++
        const closer = c === char.openBrace ? char.closeBrace : char.closeBracket
        if (this.peek() !== closer) {
          if (depth === maxSkippedDepth) this.fail(`nested deeper than ${maxSkippedDepth} levels`)
          closers ??= new Uint8Array(maxSkippedDepth)
          closers[depth++] = closer
          if (closer === char.closeBrace) this.skipKey()
          continue
        }
        this.pos++
      } else this.skipScalar(c)
      for (;;) {
        if (depth === 0) return
        const closer = closers![depth - 1]!
        const next = this.peek()
        if (next === closer) {
          this.pos++
          depth--
          continue
        }
        if (next !== char.comma) this.unexpected(`, or ${String.fromCharCode(closer)}`)
        this.pos++
        if (closer === char.closeBrace) this.skipKey()
        break
      }
    }
  }

  private skipKey(): void {
    this.expect(char.quote, 'a field name in double quotes')
    this.skipString()
    this.expect(char.colon, 'a colon')
  }

  /** Escapes are checked here too: what is taken must be JSON to everybody. */
  private skipString(): void {
    const { text, pos } = this
    const end = this.endOfString()
    if (hasBackslash(text, pos, end)) this.unescape(pos, end)
  }

  private skipScalar(c: number): void {
    if (c === char.quote) {
      this.pos++
      this.skipString()
    } else if (c === char.lowerT) this.literal('true')
    else if (c === char.lowerF) this.literal('false')
    else if (c === char.lowerN) this.literal('null')
    else this.pos = this.number()
  }

  quote(from: number, end: number): string {
    const cut = end - from > maxQuoted
    return utf8.decode(this.text.subarray(from, cut ? from + maxQuoted : end)) + (cut ? '…' : '')
  }

  unexpected(wanted: string): never {
    const c = this.peek()
    const found =
      this.pos >= this.end ? 'the end of the text' : `'${this.quote(this.pos, this.pos + (c < 0x80 ? 1 : 4))}'`
    this.fail(`expected ${wanted}, found ${found}`)
  }

  fail(problem: string): never {
    this.failAt(this.pos, problem)
  }

  failAt(offset: number, problem: string): never {
    const where = this.where()
    throw new Rejected(`OTLP/JSON${where === '' ? '' : ` ${where}`}: ${problem} (byte ${offset})`, {
      retryable: false,
      grpcCode: 3,
    })
  }

  /** The path of the field being read, for errors. */
  protected where(): string {
    return ''
  }
}

function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= char.zero && c <= char.nine
}

function hasBackslash(text: Uint8Array, from: number, end: number): boolean {
  for (let pos = from; pos < end; pos++) if (text[pos] === char.backslash) return true
  return false
}
