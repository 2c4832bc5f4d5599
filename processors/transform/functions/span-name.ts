/** set_semconv_span_name: the name that the semantic conventions give a span, by its kind and attributes. */
import type { Attributes } from '../../../pipeline/data/telemetry.ts'
import { asText } from '../../../pipeline/data/value.ts'
import { editor, optional } from '../../../pipeline/ottl/functions/signature.ts'
import { checked, textLiteral } from './arguments.ts'

/** Of the conventions whose names this file knows. */
const oldest = '1.37.0'
const newest = '1.40.0'

const versionLiteral = checked(
  textLiteral,
  (text): text is string => {
    const version = parsed(text)
    return version !== undefined && compare(version, parsed(oldest)!) >= 0 && compare(version, parsed(newest)!) <= 0
  },
  (text) =>
    parsed(text) === undefined
      ? `failed to parse semconv version "${text}": Invalid Semantic Version`
      : `unsupported semconv version "${text}": must be between ${oldest} and ${newest}`,
)

/** "v1.37" is 1.37.0; a pre-release comes before its release. */
function parsed(text: string): readonly number[] | undefined {
  const [, major, minor, patch, preRelease] =
    /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.exec(text) ?? []
  if (major === undefined) return undefined
  return [Number(major), Number(minor ?? 0), Number(patch ?? 0), preRelease === undefined ? 0 : -1]
}

function compare(x: readonly number[], y: readonly number[]): number {
  return x.map((part, i) => part - y[i]!).find((difference) => difference !== 0) ?? 0
}

const attributeLiteral = checked(
  textLiteral,
  (name): name is string => name !== '',
  () => 'originalSpanNameAttribute cannot be an empty string',
)

export const setSemconvSpanName = editor(
  'set_semconv_span_name',
  { semconv_version: versionLiteral, original_span_name_attribute: optional(attributeLiteral) },
  ({ original_span_name_attribute: kept }) =>
    ({ span }) => {
      const { name, kind, attributes } = span!
      const wanted = (namings[kind] ?? []).map((naming) => naming(attributes)).find((one) => one !== '')
      if (wanted === undefined || wanted === name) return
      span!.name = wanted
      if (kept !== undefined) attributes.set(kept, name)
    },
)

type Naming = (attributes: Attributes) => string

/** The conventions that a kind of span may follow, in their order. */
const namings: Readonly<Record<number, readonly Naming[]>> = {
  2: [httpName('http.route'), rpcName, messagingName],
  3: [httpName('url.template'), rpcName, databaseName, messagingName],
  4: [messagingName],
  5: [messagingName],
}

/** The first that is there, newest name first. */
function first(attributes: Attributes, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes.get(name)
    if (value !== undefined) return asText(value)
  }
  return undefined
}

function httpName(subject: string): Naming {
  return (attributes) => {
    const method = first(attributes, 'http.request.method', 'http.method')
    const target = first(attributes, subject)
    return method === undefined ? '' : target === undefined ? method : `${method} ${target}`
  }
}

function rpcName(attributes: Attributes): string {
  const system = first(attributes, 'rpc.system.name', 'rpc.system')
  if (system === undefined) return ''
  const method = first(attributes, 'rpc.method', 'rpc.grpc.method')
  const service = first(attributes, 'rpc.service', 'rpc.grpc.service')
  if (service !== undefined) return `${service}/${method ?? '*'}`
  return method ?? system
}

function databaseName(attributes: Attributes): string {
  const system = first(attributes, 'db.system.name', 'db.system')
  if (system === undefined) return ''
  const summary = first(attributes, 'db.query.summary')
  if (summary !== undefined) return summary
  const operation = first(attributes, 'db.operation.name', 'db.operation') ?? ''
  return joined(operation, databaseTarget(attributes)) || system
}

function databaseTarget(attributes: Attributes): string {
  const namespace = first(attributes, 'db.namespace', 'db.name') ?? ''
  const inside = first(attributes, 'db.collection.name', 'db.stored_procedure.name')
  if (inside !== undefined) return namespace === '' ? inside : `${namespace}.${inside}`
  return namespace === '' ? server(attributes) : namespace
}

function messagingName(attributes: Attributes): string {
  const system = first(attributes, 'messaging.system')
  if (system === undefined) return ''
  const operation = first(attributes, 'messaging.operation.name', 'messaging.operation')
  const destination = messagingDestination(attributes)
  if (destination !== '') return operation === undefined ? destination : `${operation} ${destination}`
  return operation ?? system
}

function messagingDestination(attributes: Attributes): string {
  if (attributes.get('messaging.destination.temporary') === true) return '(temporary)'
  if (attributes.get('messaging.destination.anonymous') === true) return '(anonymous)'
  const named = first(
    attributes,
    'messaging.destination.template',
    'messaging.destination.name',
    'messaging.destination',
  )
  return named ?? server(attributes)
}

function server(attributes: Attributes): string {
  const address = first(attributes, 'server.address')
  if (address === undefined) return ''
  const port = first(attributes, 'server.port')
  return port === undefined ? address : `${address}:${port}`
}

function joined(x: string, y: string): string {
  return x !== '' && y !== '' ? `${x} ${y}` : x + y
}
