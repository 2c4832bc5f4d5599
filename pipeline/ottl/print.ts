/** A parsed statement as text again, in one canonical form. */
import type { Bool, Call, Expression, Path, Statement } from './ast.ts'

export function printStatement({ editor, where }: Statement): string {
  return where === undefined ? printValue(editor) : `${printValue(editor)} where ${printBool(where)}`
}

export function printBool(bool: Bool): string {
  switch (bool.type) {
    case 'or':
      return bool.operands
        .map((operand) => (operand.type === 'or' ? `(${printBool(operand)})` : printBool(operand)))
        .join(' or ')
    case 'and':
      return bool.operands.map(printTight).join(' and ')
    case 'not':
      return `not ${bool.operand.type === 'not' ? `(${printBool(bool.operand)})` : printTight(bool.operand)}`
    case 'constant':
      return String(bool.value)
    case 'converter':
      return printValue(bool.call)
    case 'compare':
      return `${printValue(bool.left)} ${bool.op} ${printValue(bool.right)}`
  }
}

function printTight(bool: Bool): string {
  return bool.type === 'or' || bool.type === 'and' ? `(${printBool(bool)})` : printBool(bool)
}

export function printValue(value: Expression): string {
  switch (value.type) {
    case 'nil':
      return 'nil'
    case 'string':
      return quote(value.value)
    case 'bool':
      return String(value.value)
    case 'int':
      return String(value.value)
    case 'float':
      return value.text
    case 'bytes':
      return `0x${Buffer.from(value.value).toString('hex')}`
    case 'enum':
      return value.name
    case 'path':
      return printPath(value)
    case 'call':
      return printCall(value)
    case 'list':
      return `[${value.items.map(printValue).join(', ')}]`
    case 'map':
      return `{${value.items.map(({ key, value: item }) => `${quote(key)}: ${printValue(item)}`).join(', ')}}`
    case 'math':
      return `${printOperand(value.left)} ${value.op} ${printOperand(value.right)}`
  }
}

function printOperand(value: Expression): string {
  return value.type === 'math' ? `(${printValue(value)})` : printValue(value)
}

function printPath({ fields }: Path): string {
  return fields.map(({ name, keys }) => name + printKeys(keys)).join('.')
}

function printCall({ name, args, keys }: Call): string {
  const list = args.map((arg) => (arg.name === undefined ? '' : `${arg.name}=`) + printValue(arg.value))
  return `${name}(${list.join(', ')})${printKeys(keys)}`
}

function printKeys(keys: readonly Expression[]): string {
  return keys.map((key) => `[${printValue(key)}]`).join('')
}

function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is escaped
  return `"${text.replaceAll(/[\\"\u0000-\u001f]/g, (c) => (c === '"' || c === '\\' ? `\\${c}` : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`))}"`
}
