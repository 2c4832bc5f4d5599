/** A growing buffer of JSON text in UTF-8, with the number and string formats of upstream's JSON stream. */

const keptBytes = 8 << 20
const startBytes = 64 << 10

/** What a byte of a string becomes: 0 itself, a letter its two-byte escape, 1 a \u00xx escape. */
const escapes = new Uint8Array(256)
escapes.fill(1, 0, 0x20)
for (const [byte, letter] of [
  [0x22, '"'],
  [0x5c, '\\'],
  [0x0a, 'n'],
  [0x0d, 'r'],
  [0x09, 't'],
] as const) {
  escapes[byte] = letter.charCodeAt(0)
}
const hexDigits = new Uint8Array(16).map((_, value) => value.toString(16).charCodeAt(0))
const base64Digits = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', (letter) =>
  letter.charCodeAt(0),
)
const quote = 0x22
const backslash = 0x5c
const zero = 0x30
const minus = 0x2d

export class JsonBuffer {
  bytes: Uint8Array = new Uint8Array(startBytes)
  at = 0

  reserve(wanted: number): void {
    if (this.bytes.length - this.at >= wanted) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + wanted))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
  }

  reset(): void {
    this.at = 0
    if (this.bytes.length > keptBytes) this.bytes = new Uint8Array(startBytes)
  }

  byte(value: number): void {
    this.bytes[this.at++] = value
  }

  /** Bytes that are JSON already, from `from` on. */
  raw(text: Uint8Array, from: number): void {
    const { bytes } = this
    let { at } = this
    for (let i = from; i < text.length; i++) bytes[at++] = text[i]!
    this.at = at
  }

  /** UTF-8 of the input as a JSON string. */
  string(input: Uint8Array, from: number, end: number): void {
    this.reserve((end - from) * 6 + 2)
    const { bytes } = this
    let { at } = this
    bytes[at++] = quote
    for (let pos = from; pos < end; pos++) {
      const c = input[pos]!
      const replacement = escapes[c]!
      if (replacement === 0) {
        bytes[at++] = c
        continue
      }
      bytes[at++] = backslash
      if (replacement !== 1) {
        bytes[at++] = replacement
        continue
      }
      bytes[at++] = 0x75
      bytes[at++] = zero
      bytes[at++] = zero
      bytes[at++] = hexDigits[c >> 4]!
      bytes[at++] = hexDigits[c & 15]!
    }
    bytes[at++] = quote
    this.at = at
  }

  hex(input: Uint8Array, from: number, end: number): void {
    this.reserve((end - from) * 2 + 2)
    const { bytes } = this
    let { at } = this
    bytes[at++] = quote
    for (let pos = from; pos < end; pos++) {
      bytes[at++] = hexDigits[input[pos]! >> 4]!
      bytes[at++] = hexDigits[input[pos]! & 15]!
    }
    bytes[at++] = quote
    this.at = at
  }

  base64(input: Uint8Array, from: number, end: number): void {
    this.reserve((end - from) * 2 + 6)
    this.byte(quote)
    for (let pos = from; pos < end; pos += 3) {
      const left = end - pos
      const three = (input[pos]! << 16) | ((left > 1 ? input[pos + 1]! : 0) << 8) | (left > 2 ? input[pos + 2]! : 0)
      this.byte(base64Digits[three >> 18]!)
      this.byte(base64Digits[(three >> 12) & 63]!)
      this.byte(left > 1 ? base64Digits[(three >> 6) & 63]! : 0x3d)
      this.byte(left > 2 ? base64Digits[three & 63]! : 0x3d)
    }
    this.byte(quote)
  }

  /** A whole number of at most 15 digits, or fewer than `width` digits padded with zeros. Needs 20 bytes of room. */
  private digits(value: number, width: number): void {
    let length = width
    if (width === 0) {
      length = 1
      for (let limit = 10; value >= limit; limit *= 10) length++
    }
    const { bytes, at } = this
    let rest = value
    let place = at + length
    while (rest > 0x7fffffff) {
      const next = Math.floor(rest / 10)
      bytes[--place] = zero + (rest - next * 10)
      rest = next
    }
    while (place > at) {
      const next = (rest / 10) | 0
      bytes[--place] = zero + (rest - next * 10)
      rest = next
    }
    this.at = at + length
  }

  int32(value: number): void {
    if (value < 0) this.byte(minus)
    this.digits(Math.abs(value), 0)
  }

  /** 64 bits as a quoted decimal, as protobuf's JSON mapping wants them. */
  uint64(low: number, high: number): void {
    this.byte(quote)
    this.magnitude(low >>> 0, high >>> 0)
    this.byte(quote)
  }

  int64(low: number, high: number): void {
    this.byte(quote)
    if (high >>> 31 === 0) this.magnitude(low >>> 0, high >>> 0)
    else {
      this.byte(minus)
      const negated = -low >>> 0
      this.magnitude(negated, (negated === 0 ? -high : ~high) >>> 0)
    }
    this.byte(quote)
  }

  private magnitude(low: number, high: number): void {
    if (high < 0x1000) {
      this.digits(high * 0x100000000 + low, 0)
      return
    }
    // Long division by 1e9 in 16-bit steps: each intermediate is exact in a double.
    let rest = high % 1e9
    let quotient = Math.floor(high / 1e9)
    let step = rest * 65536 + (low >>> 16)
    let digit = Math.floor(step / 1e9)
    quotient = quotient * 65536 + digit
    rest = step - digit * 1e9
    step = rest * 65536 + (low & 0xffff)
    digit = Math.floor(step / 1e9)
    quotient = quotient * 65536 + digit
    this.digits(quotient, 0)
    this.digits(step - digit * 1e9, 9)
  }

  double(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0) && Math.abs(value) < 1e15) {
      this.int32(value)
      return
    }
    const text = formatDouble(value)
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i))
  }
}

/** Go's shortest form: as JavaScript's, but for two-digit exponents, minus zero and the quoted special values. */
function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  if (value === 0) return '-0'
  return String(value).replace(/e-(\d)$/, 'e-0$1')
}
