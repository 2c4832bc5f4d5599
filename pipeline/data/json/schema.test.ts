import assert from 'node:assert/strict'
import { test } from 'node:test'
import protobuf from 'protobufjs'
import { referenceType } from '../proto/reference.ts'
import { kind, type Message, requests } from './schema.ts'

const names = Object.fromEntries(Object.entries(kind).map(([name, value]) => [value, name]))

function ofTable(message: Message, seen: Map<string, unknown>, path: string): void {
  if (seen.has(path) || path.split('.').length > 12) return
  seen.set(
    path,
    message.fields
      .map((field) => `${field.number} ${field.name} ${names[field.kind]} ${field.repeated}`.replace(' id ', ' bytes '))
      .toSorted(),
  )
  for (const field of message.fields) {
    if (field.message && !field.message.recursive) ofTable(field.message, seen, `${path}.${field.name}`)
  }
}
function ofReference(type: protobuf.Type, seen: Map<string, unknown>, path: string): void {
  if (seen.has(path)) return
  seen.set(
    path,
    type.fieldsArray
      .map((field) => {
        const of = field.resolvedType
        const name = of === null ? field.type : of instanceof protobuf.Type ? 'message' : 'enumeration'
        return `${field.id} ${field.name} ${name} ${field.repeated}`
      })
      .toSorted(),
  )
  for (const field of type.fieldsArray) {
    const of = field.resolvedType
    if (of instanceof protobuf.Type && !['KeyValue', 'AnyValue', 'ArrayValue', 'KeyValueList'].includes(of.name)) {
      ofReference(of, seen, `${path}.${field.name}`)
    }
  }
}

for (const signal of ['traces', 'metrics', 'logs', 'profiles'] as const) {
  test(`the table of ${signal} has every field of the .proto files, with its number and kind`, () => {
    const table = new Map<string, unknown>()
    const reference = new Map<string, unknown>()
    ofTable(requests[signal], table, signal)
    ofReference(referenceType(signal), reference, signal)
    assert.deepEqual(table, reference)
  })
}

test('enumeration names have the numbers of the .proto files', () => {
  const check = (message: Message, type: protobuf.Type, depth: number): void => {
    for (const field of message.fields) {
      const of = type.fields[field.name]?.resolvedType
      if (of instanceof protobuf.Enum) assert.deepEqual(Object.fromEntries(field.values ?? []), { ...of.values })
      if (of instanceof protobuf.Type && field.message && depth < 8) check(field.message, of, depth + 1)
    }
  }
  for (const signal of ['traces', 'metrics', 'logs'] as const) check(requests[signal], referenceType(signal), 0)
})
