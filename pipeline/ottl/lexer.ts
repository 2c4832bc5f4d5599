/** Splits a statement into tokens. The kinds, and the order in which they are tried, are the grammar's. */
import { Fault } from './problems.ts'

export type TokenKind =
  | 'bytes'
  | 'float'
  | 'int'
  | 'string'
  | 'not'
  | 'or'
  | 'and'
  | 'compare'
  | 'addSub'
  | 'mulDiv'
  | 'bool'
  | 'equal'
  | 'punct'
  | 'upper'
  | 'lower'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly at: number
  readonly end: number
}

const rules: readonly (readonly [TokenKind | 'space', RegExp])[] = [
  ['bytes', /0x[a-fA-F0-9]+/y],
  ['float', /[-+]?\d*\.\d+(?:[eE][-+]?\d+)?/y],
  ['int', /[-+]?\d+/y],
  ['string', /"(?:\\[^\n]|[^\\"])*"/y],
  ['not', /\bnot\b/y],
  ['or', /\bor\b/y],
  ['and', /\band\b/y],
  ['compare', /==|!=|>=|<=|>|</y],
  ['addSub', /[-+]/y],
  ['mulDiv', /[/*]/y],
  ['bool', /\b(?:true|false)\b/y],
  ['equal', /=/y],
  ['punct', /[(){}:,.[\]]/y],
  ['upper', /[A-Z][A-Z0-9_]*/y],
  ['lower', /[a-z][a-z0-9_]*/y],
  ['space', /[\t\n\f\r ]+/y],
]

/** Linear: each rule looks at each character a fixed number of times. */
export function tokens(text: string): Token[] {
  const list: Token[] = []
  for (let at = 0; at < text.length; ) {
    const token = next(text, at)
    if (token.kind !== 'end') list.push(token)
    at = token.end
  }
  list.push({ kind: 'end', text: '', at: text.length, end: text.length })
  return list
}

/** White space is a token of kind `end` that is not kept. */
function next(text: string, at: number): Token {
  for (const [kind, pattern] of rules) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match !== null) return { kind: kind === 'space' ? 'end' : kind, text: match[0], at, end: at + match[0].length }
  }
  const character = String.fromCodePoint(text.codePointAt(at)!)
  if (character === '"') throw new Fault(at, 'this string has no closing quote (")')
  if (character === "'") throw new Fault(at, 'strings are written in double quotes (")')
  throw new Fault(at, `unexpected character ${JSON.stringify(character)}`)
}

/** What a string literal means: the escapes of Go's interpreted strings. */
export function unquote(token: Token): string {
  let text = ''
  for (let i = 1; i < token.text.length - 1; ) {
    const c = token.text[i]!
    if (c !== '\\') {
      text += c
      i++
      continue
    }
    const found = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\"']))/.exec(
      token.text.slice(i, i + 10),
    )
    if (found === null) {
      throw new Fault(
        token.at + i,
        `unknown escape ${token.text.slice(i, i + 2)} in a string; a backslash is written \\\\`,
      )
    }
    const [all, x, u, long, octal, single] = found
    if (single !== undefined) text += simple[single] ?? single
    else {
      const code = octal === undefined ? Number.parseInt((x ?? u ?? long)!, 16) : Number.parseInt(octal, 8)
      if (code > 0x10_ffff || (octal !== undefined && code > 255)) {
        throw new Fault(token.at + i, `${all} is not a character`)
      }
      text += String.fromCodePoint(code)
    }
    i += all.length
  }
  return text
}

const simple: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}
