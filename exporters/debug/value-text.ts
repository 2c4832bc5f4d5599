/** OTLP values as upstream's pcommon.Value prints them. */
import type { Tree } from '../../pipeline/data/json/decode-tree.ts'
import { valueDouble } from './go-format.ts'

const typeNames: Readonly<Record<string, string>> = {
  stringValue: 'Str',
  boolValue: 'Bool',
  intValue: 'Int',
  doubleValue: 'Double',
  arrayValue: 'Slice',
  kvlistValue: 'Map',
  bytesValue: 'Bytes',
}

/** `Str(text)`, `Map({"a":1})` */
export function typedText(value: Tree): string {
  return `${typeNames[value.member ?? ''] ?? 'Empty'}(${valueText(value)})`
}

export function valueText(value: Tree): string {
  switch (value.member) {
    case 'stringValue':
      return value.text('stringValue')
    case 'boolValue':
      return String(value.bool('boolValue'))
    case 'intValue':
      return String(value.big('intValue'))
    case 'doubleValue':
      return valueDouble(value.number('doubleValue'))
    case 'bytesValue':
      return Buffer.from(value.bytes('bytesValue')).toString('base64')
    case 'arrayValue':
    case 'kvlistValue':
      // Upstream prints nothing where JSON cannot hold a number.
      return jsonText(value) ?? ''
    default:
      return ''
  }
}

/** Go's encoding/json without HTML escapes: sorted keys, the last of equal keys. Undefined for NaN and the infinities. */
function jsonText(value: Tree): string | undefined {
  switch (value.member) {
    case 'stringValue':
      return jsonString(value.text('stringValue'))
    case 'bytesValue':
      return value.bytes('bytesValue').length === 0 ? 'null' : `"${valueText(value)}"`
    case 'doubleValue':
      return Number.isFinite(value.number('doubleValue')) ? valueText(value) : undefined
    case 'boolValue':
    case 'intValue':
      return valueText(value)
    case 'arrayValue': {
      const items = value.tree('arrayValue').trees('values').map(jsonText)
      return items.includes(undefined) ? undefined : `[${items.join()}]`
    }
    case 'kvlistValue': {
      const entries = new Map(
        value
          .tree('kvlistValue')
          .trees('values')
          .map((entry) => [entry.text('key'), entry.tree('value')]),
      )
      const items = [...entries.keys()].toSorted(byBytes).map((key) => {
        const text = jsonText(entries.get(key)!)
        return text === undefined ? undefined : `${jsonString(key)}:${text}`
      })
      return items.includes(undefined) ? undefined : `{${items.join()}}`
    }
    default:
      return 'null'
  }
}

function jsonString(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
