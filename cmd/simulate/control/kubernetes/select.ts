/** Label and field selectors. */
import { at, type KubeObject, StatusError } from './object.ts'

export type Selector = (object: KubeObject) => boolean

const requirement =
  /^\s*(?:(!)\s*([^\s!=,()]+)|([^\s!=,()]+)\s*(?:(==|=|!=)\s*([^\s!=,()]*)|\s(in|notin)\s*\(([^)]*)\))?)\s*$/

export function selectorOf(labels: string | null, fields: string | null): Selector {
  const all = [...(labels ? labelTests(labels) : []), ...(fields ? fieldTests(fields) : [])]
  return (object) => all.every((test) => test(object))
}

function labelTests(text: string): readonly Selector[] {
  return splitOutside(text).map((part) => {
    const match = requirement.exec(part)
    if (match === null) throw new StatusError('BadRequest', `unable to parse requirement: ${part}`)
    const [, not, absent, key = '', operator, value = '', set, values = ''] = match
    const read = (object: KubeObject, name: string) => object.metadata.labels?.[name]
    if (not !== undefined) return (object) => read(object, absent ?? '') === undefined
    if (set !== undefined) {
      const known = new Set(values.split(',').map((one) => one.trim()))
      return (object) => known.has(read(object, key) ?? '\0') === (set === 'in')
    }
    if (operator === undefined) return (object) => read(object, key) !== undefined
    return (object) => (read(object, key) === value) === (operator !== '!=')
  })
}

function fieldTests(text: string): readonly Selector[] {
  return text.split(',').map((part) => {
    const match = /^\s*([\w.]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part)
    if (match === null) throw new StatusError('BadRequest', `invalid field selector: ${part}`)
    const [, path = '', operator, value] = match
    const keys = path.split('.')
    return (object) => {
      const found = at(object, ...keys)
      const shown = found === undefined || found === null ? '' : String(found as string)
      return (shown === value) === (operator !== '!=')
    }
  })
}

function splitOutside(text: string): readonly string[] {
  return text.split(/,(?![^(]*\))/)
}
