/** One configured header, compiled: where its value comes from and what is done with it. */
import type { OutgoingHeaders } from '../../pipeline/capability/authentication.ts'
import { Rejected } from '../../pipeline/component.ts'
import type { Reads } from '../../pipeline/data/origin.ts'
import type { Origin } from '../../pipeline/data/telemetry.ts'
import type { HeaderSettings } from './config.ts'

export type Apply = (headers: OutgoingHeaders, origin: Origin) => void
/** Throws `Rejected` where it cannot be told. */
type Source = (origin: Origin) => string

const authPrefix = 'auth.'

/** `fileValue` is what `value_file` holds now. */
export function compileHeader(settings: HeaderSettings, fileValue: () => string): Apply {
  const name = settings.key.toLowerCase()
  const source = sourceOf(settings, fileValue)
  // As Go's `Header.Get`: an empty header counts as missing.
  const has = (headers: OutgoingHeaders) => (headers.get(name) ?? '') !== ''
  switch (settings.action) {
    case 'delete':
      return (headers) => void headers.delete(name)
    case 'insert':
      return (headers, origin) => {
        if (!has(headers)) headers.set(name, source(origin))
      }
    case 'update':
      return (headers, origin) => {
        if (has(headers)) headers.set(name, source(origin))
      }
    default:
      return (headers, origin) => void headers.set(name, source(origin))
  }
}

/** What of an origin these headers are made of. */
export function readsOfHeaders(headers: readonly HeaderSettings[]): Reads {
  const metadata: string[] = []
  const auth: string[] = []
  for (const { from_context, from_attribute } of headers) {
    if (from_attribute !== undefined) auth.push(from_attribute)
    if (from_context !== undefined) metadata.push(from_context)
    if (from_context?.startsWith(authPrefix)) auth.push(from_context.slice(authPrefix.length))
  }
  return { metadata, auth }
}

function sourceOf(settings: HeaderSettings, fileValue: () => string): Source {
  const { value, value_file, from_attribute, from_context, default_value = '' } = settings
  if (value !== undefined) return () => value
  if (value_file !== undefined) return fileValue
  if (from_attribute !== undefined) return (origin) => textOf(attributeOf(origin, from_attribute)) ?? default_value
  if (from_context === undefined) return () => ''
  const metadataName = from_context.toLowerCase()
  const attribute = from_context.startsWith(authPrefix) ? from_context.slice(authPrefix.length) : undefined
  return (origin) => {
    const known = attribute === undefined ? undefined : attributeOf(origin, attribute)
    const values = textsOf(known) ?? origin.metadata.get(metadataName) ?? []
    if (values.length <= 1) return values[0] ?? default_value
    const message = `failed to determine the source: ${values.length} source keys found in the context, can't determine which one to use`
    throw new Rejected(message, { retryable: false })
  }
}

function attributeOf(origin: Origin, name: string): unknown {
  const { auth } = origin
  return typeof auth === 'object' && auth !== null && Object.hasOwn(auth, name)
    ? (auth as Record<string, unknown>)[name]
    : undefined
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function textsOf(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined
}
