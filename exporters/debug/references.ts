/** Profiles write names and texts as places in the dictionary's string table; people want to read the texts. */
import type { Tree } from '../../pipeline/data/json/decode-tree.ts'
import { anyValue, keyValue } from '../../pipeline/data/json/schema.ts'

const keyField = keyValue.fields.find((field) => field.name === 'key')!
const textField = anyValue.fields.find((field) => field.name === 'stringValue')!

/** Resolves in place what of the resources' and scopes' attributes points into the string table; as upstream, nothing else. */
export function resolveReferences(request: Tree): void {
  const dictionary = request.tree('dictionary')
  const strings = dictionary.texts('stringTable')
  if (strings.length === 0) return
  for (const resource of request.trees('resourceProfiles')) {
    resolveKeys(resource.tree('resource').trees('attributes'), strings)
    for (const scope of resource.trees('scopeProfiles')) resolveKeys(scope.tree('scope').trees('attributes'), strings)
  }
}

function resolveKeys(entries: readonly Tree[], strings: readonly string[]): void {
  for (const entry of entries) {
    const key = strings[entry.number('keyStrindex')]
    if (entry.text('key') === '' && entry.has('keyStrindex') && key !== undefined) entry.set(keyField, key)
    resolveValue(entry.tree('value'), strings)
  }
}

function resolveValue(value: Tree, strings: readonly string[]): void {
  if (value.member === 'stringValueStrindex') {
    const text = strings[value.number('stringValueStrindex')]
    if (text !== undefined) value.set(textField, text)
  } else if (value.member === 'kvlistValue') resolveKeys(value.tree('kvlistValue').trees('values'), strings)
  else if (value.member === 'arrayValue') {
    for (const item of value.tree('arrayValue').trees('values')) resolveValue(item, strings)
  }
}
