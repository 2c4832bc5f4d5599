/** Which batches may merge: those whose senders differ in nothing that somebody further on reads. */
import type { Origin } from './telemetry.ts'

/** What of an origin a component reads; nothing where a field is absent. */
export interface Reads {
  /** Client metadata, by names in any case. */
  readonly metadata?: readonly string[] | 'all'
  /** Attributes of the authenticated client. */
  readonly auth?: readonly string[] | 'all'
}
/** The reads of several components in one; names in lower case, sorted. */
export interface AllReads {
  readonly metadata: readonly string[] | 'all'
  readonly auth: readonly string[] | 'all'
}

export const readsNothing: AllReads = { metadata: [], auth: [] }
export const readsAll: AllReads = { metadata: 'all', auth: 'all' }

export function joinReads(all: Iterable<Reads>): AllReads {
  let metadata: Set<string> | 'all' = new Set<string>()
  let auth: Set<string> | 'all' = new Set<string>()
  for (const one of all) {
    if (one.metadata === 'all') metadata = 'all'
    else if (metadata !== 'all') for (const name of one.metadata ?? []) metadata.add(name.toLowerCase())
    if (one.auth === 'all') auth = 'all'
    else if (auth !== 'all') for (const name of one.auth ?? []) auth.add(name)
  }
  return {
    metadata: metadata === 'all' ? 'all' : [...metadata].sort(),
    auth: auth === 'all' ? 'all' : [...auth].sort(),
  }
}

/** Equal texts = equal in everything that is read. Empty when nothing is. */
export function originKey(origin: Origin, { metadata, auth }: AllReads): string {
  if (metadata.length === 0 && auth.length === 0) return ''
  const read =
    metadata === 'all'
      ? [...origin.metadata].sort(([a], [b]) => (a < b ? -1 : 1))
      : metadata.map((name) => origin.metadata.get(name) ?? null)
  return JSON.stringify([read, authRead(origin.auth, auth)])
}

function authRead(known: unknown, names: readonly string[] | 'all'): unknown {
  if (known === undefined || known === null || names.length === 0) return null
  const attributes = known as Readonly<Record<string, unknown>>
  // Sorted, since the order in which an authenticator tells them means nothing.
  if (names === 'all') return Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))
  return names.map((name) => attributes[name] ?? null)
}

/** What all of them have in common. So a merged batch may know less of its senders than they told, but never says of one what another told. */
export function commonOrigin(origins: readonly Origin[]): Origin {
  const [first, ...others] = origins
  if (first === undefined) return { metadata: new Map() }
  const different = others.filter((other) => other !== first)
  if (different.length === 0) return first
  const all = (isSame: (other: Origin) => boolean) => different.every(isSame)
  const metadata = new Map(
    [...first.metadata].filter(([name, values]) => all((other) => sameValue(values, other.metadata.get(name)))),
  )
  // Field by field, so that one which is new to us is no exception.
  const fields = Object.entries(first).filter(([field, value]) =>
    all((other) => other[field as keyof Origin] === value),
  )
  const auth = commonAttributes(first.auth, different)
  return { ...Object.fromEntries(fields), metadata, ...(auth === undefined ? {} : { auth }) }
}

/** Attribute by attribute: two logins of one user have more in common than nothing. */
function commonAttributes(first: unknown, others: readonly Origin[]): unknown {
  if (typeof first !== 'object' || first === null || others.some(({ auth }) => !auth)) return undefined
  const common = Object.entries(first).filter(([name, value]) =>
    others.every(({ auth }) => sameValue(value, (auth as Readonly<Record<string, unknown>>)[name])),
  )
  return common.length === 0 ? undefined : Object.fromEntries(common)
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
