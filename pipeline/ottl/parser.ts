/** Reads statements, conditions and value expressions. Recursive descent without backtracking, of bounded depth. */
import type { Argument, Bool, Call, CompareOp, Expression, Field, MapItem, MathOp, Path, Statement } from './ast.ts'
import { type Token, type TokenKind, tokens, unquote } from './lexer.ts'
import { Fault } from './problems.ts'

const maxDepth = 150
/** Of one sum or product: the tree that they make is as deep as they are long. */
const maxTerms = 500

export function parseStatement(text: string): Statement {
  return new Parser(text).statement()
}

export function parseCondition(text: string): Bool {
  const parser = new Parser(text)
  return parser.whole(parser.bool())
}

export function parseValue(text: string): Expression {
  const parser = new Parser(text)
  return parser.whole(parser.value())
}

class Parser {
  private readonly list: readonly Token[]
  private position = 0
  private depth = 0
  /** For each opening parenthesis the index of the token after its closing one; found on the first question. */
  private closing: Map<number, number> | undefined

  constructor(text: string) {
    this.list = tokens(text)
  }

  statement(): Statement {
    const at = this.token.at
    const name = this.functionName()
    if (name === undefined) this.unexpected('a statement begins with an editor, like set(...)')
    const editor = this.call(name, at)
    if (/^[A-Z]/.test(name)) throw new Fault(at, `editor names must start with a lowercase letter but got '${name}'`)
    if (editor.keys.length > 0) {
      throw new Fault(editor.keys[0]!.at, `only paths and converters may be indexed, not editors, but got ${name}`)
    }
    let where: Bool | undefined
    if (this.token.kind === 'lower' && this.token.text === 'where') {
      this.position++
      where = this.bool()
    } else if (this.token.kind !== 'end') this.unexpected('expected "where" or the end of the statement')
    return this.whole({ editor, where, at, end: this.last })
  }

  /** Nothing may follow. */
  whole<T>(parsed: T): T {
    if (this.token.kind !== 'end') this.unexpected('expected the end')
    return parsed
  }

  bool(): Bool {
    return this.deeper(() => this.chain('or', () => this.chain('and', () => this.boolOperand())))
  }

  private chain(type: 'or' | 'and', operand: () => Bool): Bool {
    const first = operand()
    if (this.token.kind !== type) return first
    const operands = [first]
    while (this.accept(type)) operands.push(operand())
    return { type, operands, at: first.at, end: this.last }
  }

  private boolOperand(): Bool {
    const at = this.token.at
    if (this.accept('not')) {
      const operand = this.plainOperand()
      return { type: 'not', operand, at, end: this.last }
    }
    return this.plainOperand()
  }

  private plainOperand(): Bool {
    const at = this.token.at
    if (this.is('(') && !this.isMathGroup()) {
      this.position++
      const inner = this.bool()
      this.expect(')')
      return inner
    }
    const left = this.value()
    if (this.token.kind === 'compare') {
      const op = this.list[this.position++]!.text as CompareOp
      const right = this.value()
      return { type: 'compare', op, left, right, at, end: this.last }
    }
    if (left.type === 'bool') return { type: 'constant', value: left.value, at, end: this.last }
    if (left.type === 'call') return { type: 'converter', call: left, at, end: this.last }
    const hint = this.token.kind === 'equal' ? '; equality is written ==' : ''
    this.unexpected(`expected a comparison (==, !=, <, <=, >, >=) here${hint}`)
  }

  /** Whether the parentheses hold a number rather than a condition: then an operator follows them. */
  private isMathGroup(): boolean {
    this.closing ??= pairs(this.list)
    const after = this.closing.get(this.position)
    const kind = after === undefined ? undefined : this.list[after]!.kind
    return kind === 'compare' || kind === 'addSub' || kind === 'mulDiv'
  }

  value(): Expression {
    return this.deeper(() => {
      const token = this.token
      switch (token.kind) {
        case 'bytes': {
          this.position++
          if (token.text.length % 2 === 1) throw new Fault(token.at, 'a byte literal has an even number of hex digits')
          return { type: 'bytes', value: new Uint8Array(Buffer.from(token.text.slice(2), 'hex')), ...span(token) }
        }
        case 'string':
          this.position++
          return { type: 'string', value: unquote(token), ...span(token) }
        case 'bool':
          this.position++
          return { type: 'bool', value: token.text === 'true', ...span(token) }
        case 'lower':
          if (token.text !== 'nil') break
          this.position++
          return { type: 'nil', ...span(token) }
        case 'punct':
          if (token.text === '[') return this.listLiteral()
          if (token.text === '{') return this.mapLiteral()
          break
        case 'upper':
          if (this.isName() && !this.isCall()) return this.enum()
          break
        default:
      }
      return this.sum()
    })
  }

  private sum(): Expression {
    return this.operators('addSub', () => this.operators('mulDiv', () => this.mathOperand()))
  }

  private operators(kind: TokenKind, operand: () => Expression): Expression {
    let left = operand()
    for (let terms = 1; this.token.kind === kind; terms++) {
      if (terms > maxTerms) throw new Fault(this.token.at, `more than ${maxTerms} terms`)
      const op = this.list[this.position++]!.text as MathOp
      const right = operand()
      left = { type: 'math', op, left, right, at: left.at, end: this.last }
    }
    return left
  }

  private mathOperand(): Expression {
    const token = this.token
    if (this.is('(')) {
      this.position++
      const inner = this.deeper(() => this.sum())
      this.expect(')')
      return inner
    }
    if (token.kind === 'float') {
      this.position++
      return { type: 'float', value: Number(token.text), text: token.text, ...span(token) }
    }
    if (token.kind === 'int') {
      this.position++
      const value = BigInt(token.text.replace(/^\+/, ''))
      if (BigInt.asIntN(64, value) !== value) throw new Fault(token.at, `${token.text} does not fit in 64 bits`)
      return { type: 'int', value, ...span(token) }
    }
    if (token.kind === 'upper' || (token.kind === 'lower' && this.isCall())) {
      const name = this.functionName()!
      if (!this.is('(')) this.unexpected(`expected ( after ${name}`)
      const call = this.call(name, token.at)
      if (token.kind === 'lower') {
        throw new Fault(token.at, `converter names must start with an uppercase letter but got '${name}'`)
      }
      return call
    }
    if (token.kind === 'lower') return this.path()
    this.unexpected('expected a value: a path, a converter, a literal, a list or a map')
  }

  private path(): Path {
    const at = this.token.at
    const fields: Field[] = []
    do {
      const token = this.token
      if (token.kind !== 'lower') this.unexpected('expected the next part of the path, in lower case')
      this.position++
      const keys = this.keys()
      fields.push({ name: token.text, keys, at: token.at, end: this.last })
    } while (this.acceptText('.'))
    return { type: 'path', fields, at, end: this.last }
  }

  private keys(): Expression[] {
    const keys: Expression[] = []
    while (this.acceptText('[')) {
      const token = this.token
      if (token.kind === 'string') {
        this.position++
        keys.push({ type: 'string', value: unquote(token), ...span(token) })
      } else keys.push(this.deeper(() => this.sum()))
      this.expect(']')
    }
    return keys
  }

  private call(name: string, at: number): Call {
    this.expect('(')
    const args: Argument[] = []
    if (!this.is(')')) {
      do args.push(this.argument())
      while (this.acceptText(','))
    }
    this.expect(')')
    const keys = this.keys()
    return { type: 'call', name, args, keys, at, end: this.last }
  }

  private argument(): Argument {
    const { at } = this.token
    const before = this.position
    if (this.token.kind === 'lower') {
      const name = this.functionName()
      if (this.accept('equal')) return { name, value: this.value(), at, end: this.last }
      this.position = before
    }
    return { name: undefined, value: this.value(), at, end: this.last }
  }

  private listLiteral(): Expression {
    const at = this.token.at
    this.expect('[')
    const items: Expression[] = []
    if (!this.is(']')) {
      do items.push(this.value())
      while (this.acceptText(','))
    }
    this.expect(']')
    return { type: 'list', items, at, end: this.last }
  }

  private mapLiteral(): Expression {
    const at = this.token.at
    this.expect('{')
    const items: MapItem[] = []
    while (!this.is('}')) {
      const token = this.token
      if (token.kind !== 'string') this.unexpected('expected a key, a string in double quotes')
      this.position++
      const key = unquote(token)
      this.expect(':')
      items.push({ key, value: this.value() })
      this.acceptText(',')
    }
    this.expect('}')
    return { type: 'map', items, at, end: this.last }
  }

  private enum(): Expression {
    const { at } = this.token
    const name = this.functionName()!
    return { type: 'enum', name, at, end: this.last }
  }

  /** A name made of upper and lower case parts that touch. */
  private functionName(): string | undefined {
    if (!this.isName()) return undefined
    let name = ''
    let end = this.token.at
    while (this.isName() && this.token.at === end) {
      name += this.token.text
      end = this.token.end
      this.position++
    }
    return name
  }

  private isName(): boolean {
    return this.token.kind === 'upper' || this.token.kind === 'lower'
  }

  /** Whether a name stands here that an opening parenthesis follows. */
  private isCall(): boolean {
    const before = this.position
    const name = this.functionName()
    const is = name !== undefined && this.is('(')
    this.position = before
    return is
  }

  private deeper<T>(parse: () => T): T {
    if (++this.depth > maxDepth) throw new Fault(this.token.at, `nested deeper than ${maxDepth}`)
    const result = parse()
    this.depth--
    return result
  }

  private get token(): Token {
    return this.list[this.position]!
  }

  private get last(): number {
    return this.position === 0 ? 0 : this.list[this.position - 1]!.end
  }

  private is(punct: string): boolean {
    return this.token.kind === 'punct' && this.token.text === punct
  }

  private accept(kind: TokenKind): boolean {
    if (this.token.kind !== kind) return false
    this.position++
    return true
  }

  private acceptText(punct: string): boolean {
    if (!this.is(punct)) return false
    this.position++
    return true
  }

  private expect(punct: string): void {
    if (!this.acceptText(punct)) this.unexpected(`expected ${punct}`)
  }

  private unexpected(wanted: string): never {
    const { kind, text, at } = this.token
    throw new Fault(at, `unexpected ${kind === 'end' ? 'end of the text' : `"${text}"`}: ${wanted}`)
  }
}

function span({ at, end }: Token): { at: number; end: number } {
  return { at, end }
}

function pairs(list: readonly Token[]): Map<number, number> {
  const found = new Map<number, number>()
  const open: number[] = []
  for (const [i, token] of list.entries()) {
    if (token.kind !== 'punct') continue
    if (token.text === '(') open.push(i)
    else if (token.text === ')') {
      const from = open.pop()
      if (from !== undefined) found.set(from, i + 1)
    }
  }
  return found
}
