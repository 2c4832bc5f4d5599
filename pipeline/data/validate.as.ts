// @ts-nocheck AssemblyScript, which tsc does not know.
// The structural check of a request (AssemblyScript, SIMD). `node pipeline/data/build-validate.ts` compiles it into validate.wasm.ts.
// JavaScript writes the tables (see validate-tables.ts) at TABLES, 72 bytes a message, and the request at INPUT.

const TABLES: usize = 0
const ROW: usize = 72
const GROUPS: usize = 32
const ITEM: usize = 64

const STRING: i32 = 64
const BYTES: i32 = 65
const VARINT: i32 = 66
const FIXED64: i32 = 67
const FIXED32: i32 = 68
const VARINTS: i32 = 69
const FIXED64S: i32 = 70
const ID16: i32 = 71
const ID8: i32 = 72

export let fault: i32 = 0
export let faultAt: u32 = 0
export let faultMessage: i32 = 0
export let faultField: u32 = 0
export let faultWire: u32 = 0
export let items: u32 = 0
export let badTexts: u32 = 0
export let duplicates: i32 = 0

let input: usize = 0
let cursor: usize = 0
let maxDepth: i32 = 0
let keyValue: i32 = -1

function fail(code: i32, at: usize): void {
  fault = code
  faultAt = <u32>(at - input)
}

// At most 5 bytes and 32 bits: tags and lengths.
function varint32(p: usize, end: usize): u32 {
  let result: u32 = 0
  let shift: u32 = 0
  const start = p
  while (true) {
    if (p >= end) { fail(1, start); return 0 }
    const byte: u32 = load<u8>(p++)
    if (shift == 28 && byte > 15) { fail(2, start); return 0 }
    result |= (byte & 127) << shift
    if (byte < 128) break
    shift += 7
  }
  cursor = p
  return result
}

// A varint of any value: at most 10 bytes. Answers where it ends, 0 at a fault.
function skipVarint(p: usize, end: usize): usize {
  const start = p
  while (true) {
    if (p >= end) { fail(1, start); return 0 }
    if (p - start > 9) { fail(2, start); return 0 }
    if (load<u8>(p++) < 128) return p
  }
}

function isUtf8(p: usize, end: usize): bool {
  const length = end - p
  if (length < 8) {
    if (length >= 4) {
      if ((load<u32>(p) | load<u32>(end - 4)) & 0x80808080) return isUtf8Slow(p, end)
      return true
    }
    while (p < end) if (load<u8>(p++) > 127) return isUtf8Slow(end - length, end)
    return true
  }
  if (length < 16) {
    if ((load<u64>(p) | load<u64>(end - 8)) & 0x8080808080808080) return isUtf8Slow(p, end)
    return true
  }
  const last = end - 16
  let q = p
  while (q < last) {
    if (v128.any_true(v128.and(v128.load(q), i8x16.splat(-128)))) return isUtf8Slow(p, end)
    q += 16
  }
  if (v128.any_true(v128.and(v128.load(last), i8x16.splat(-128)))) return isUtf8Slow(p, end)
  return true
}

function isUtf8Slow(p: usize, end: usize): bool {
  while (p < end) {
    const c: u32 = load<u8>(p)
    if (c < 128) { p++; continue }
    let more: usize = 0
    if (c >= 0xc2 && c <= 0xdf) more = 1
    else if (c >= 0xe0 && c <= 0xef) more = 2
    else if (c >= 0xf0 && c <= 0xf4) more = 3
    else return false
    if (end - p <= more) return false
    const second: u32 = load<u8>(p + 1)
    if ((second & 0xc0) != 0x80) return false
    if (c == 0xe0 && second < 0xa0) return false
    if (c == 0xed && second > 0x9f) return false
    if (c == 0xf0 && second < 0x90) return false
    if (c == 0xf4 && second > 0x8f) return false
    if (more > 1 && (load<u8>(p + 2) & 0xc0) != 0x80) return false
    if (more > 2 && (load<u8>(p + 3) & 0xc0) != 0x80) return false
    p += more + 1
  }
  return true
}

function wrongWire(message: i32, field: u32, wire: u32, at: usize): void {
  fail(5, at)
  faultMessage = message
  faultField = field
  faultWire = wire
}

// An attribute as nearly all of them are written: a short key, then one string, bool, int or double, and nothing else. Two thirds of a request
// are such, and this costs half of what the general walk does. Answers false for everything else, which says nothing about it.
function isPlainAttribute(p: usize, stop: usize): bool {
  if (stop - p < 4 || load<u8>(p) != 10) return false
  const keyLength: usize = load<u8>(p + 1)
  const key = p + 2
  const value = key + keyLength
  if (keyLength > 127 || value + 2 > stop || load<u8>(value) != 18) return false
  let length: usize = load<u8>(value + 1)
  let q = value + 2
  if (length > 127) {
    if (q >= stop) return false
    const high: usize = load<u8>(q++)
    if (high > 127) return false
    length = (length & 127) | (high << 7)
  }
  if (length < 2 || q + length != stop) return false
  const tag: u32 = load<u8>(q++)
  if (tag == 10) {
    let textLength: usize = load<u8>(q++)
    if (textLength > 127) {
      if (q >= stop) return false
      const high: usize = load<u8>(q++)
      if (high > 127) return false
      textLength = (textLength & 127) | (high << 7)
    }
    if (q + textLength != stop) return false
    if (!isUtf8(q, stop)) badTexts++
  } else if (tag == 24 || tag == 16) {
    if (stop - q > 10 || load<u8>(stop - 1) > 127) return false
    while (q < stop - 1) if (load<u8>(q++) < 128) return false
  } else if (tag != 33 || stop - q != 8) return false
  if (!isUtf8(key, value)) badTexts++
  return true
}

function walk(p: usize, end: usize, message: i32, depth: i32): void {
  if (depth > maxDepth) { fail(7, p); return }
  const row = TABLES + <usize>message * ROW
  items += load<u8>(row + ITEM)
  let seen: u32 = 0
  while (p < end) {
    const at = p
    let tag: u32 = load<u8>(p++)
    if (tag > 127) {
      tag = varint32(at, end)
      if (fault) return
      p = cursor
    }
    const field = tag >>> 3
    if (field == 0) { fail(3, at); return }
    let kind: i32 = -1
    if (field < 32) {
      kind = load<i8>(row + field)
      const group: u32 = load<u8>(row + GROUPS + field)
      if (group < 32) {
        const bit: u32 = 1 << group
        if (seen & bit) duplicates = 1
        seen |= bit
      }
    }
    const wire = tag & 7
    if (wire == 2) {
      if (p >= end) { fail(1, at); return }
      let length: u32 = load<u8>(p++)
      if (length > 127) {
        length = varint32(p - 1, end)
        if (fault) return
        p = cursor
      }
      if (<usize>length > end - p) { fail(4, at); return }
      const stop = p + <usize>length
      if (kind >= 0) {
        if (kind == STRING) {
          if (!isUtf8(p, stop)) badTexts++
        } else if (kind < STRING) {
          if (kind != keyValue || depth + 2 > maxDepth || !isPlainAttribute(p, stop)) {
            walk(p, stop, kind, depth + 1)
            if (fault) return
          }
        } else if (kind == VARINTS) {
          while (p < stop) {
            p = skipVarint(p, stop)
            if (fault) return
          }
        } else if (kind == FIXED64S) {
          if (length & 7) { fail(4, at); return }
        } else if (kind == ID16) {
          if (length != 0 && length != 16) { wrongWire(message, field, wire, at); fault = 8; return }
        } else if (kind == ID8) {
          if (length != 0 && length != 8) { wrongWire(message, field, wire, at); fault = 8; return }
        } else if (kind != BYTES) { wrongWire(message, field, wire, at); return }
      }
      p = stop
    } else if (wire == 0) {
      if (kind >= 0 && kind != VARINT && kind != VARINTS) { wrongWire(message, field, wire, at); return }
      p = skipVarint(p, end)
      if (fault) return
    } else if (wire == 1) {
      if (kind >= 0 && kind != FIXED64 && kind != FIXED64S) { wrongWire(message, field, wire, at); return }
      if (end - p < 8) { fail(4, at); return }
      p += 8
    } else if (wire == 5) {
      if (kind >= 0 && kind != FIXED32) { wrongWire(message, field, wire, at); return }
      if (end - p < 4) { fail(4, at); return }
      p += 4
    } else {
      wrongWire(message, field, wire, at)
      fault = 6
      return
    }
  }
}

// `attribute` is the number of the message KeyValue in the tables.
export function validate(start: u32, length: u32, message: i32, depth: i32, attribute: i32): i32 {
  keyValue = attribute
  fault = 0
  items = 0
  badTexts = 0
  duplicates = 0
  maxDepth = depth
  input = start
  walk(start, start + length, message, 0)
  return fault
}
