/** `from_context`: what the sender of a batch told of itself. */
import type { Reads } from '../data/origin.ts'
import type { Origin } from '../data/telemetry.ts'

const metadataPrefix = 'metadata.'
const authPrefix = 'auth.'

/** Undefined where the sender told no such thing. */
export function fromContext(name: string): (origin: Origin) => string | undefined {
  if (name === 'client.address') return ({ address }) => hostOf(address ?? '')
  if (name.startsWith(authPrefix)) {
    const attribute = name.slice(authPrefix.length)
    return ({ auth }) => {
      if (typeof auth !== 'object' || auth === null) return undefined
      const value = (auth as Readonly<Record<string, unknown>>)[attribute]
      if (typeof value === 'string') return value
      return Array.isArray(value) && value.length > 0 ? value.join(';') : undefined
    }
  }
  const header = metadataName(name)
  return ({ metadata }) => {
    const values = metadata.get(header)
    return values === undefined || values.length === 0 ? undefined : values.join(';')
  }
}

export function readsOfContext(names: readonly string[]): Reads {
  const isOther = (name: string) => name !== '' && name !== 'client.address'
  return {
    metadata: names.filter((name) => isOther(name) && !name.startsWith(authPrefix)).map(metadataName),
    auth: names.filter((name) => name.startsWith(authPrefix)).map((name) => name.slice(authPrefix.length)),
  }
}

/** Without a prefix it is metadata, as it once was. */
function metadataName(name: string): string {
  return (name.startsWith(metadataPrefix) ? name.slice(metadataPrefix.length) : name).toLowerCase()
}

/** The address without its port, as Go prints an IP. */
function hostOf(address: string): string {
  const colon = address.lastIndexOf(':')
  const host = /^(?:\[.*\]|[^:]*):\d*$/.test(address) ? address.slice(0, colon) : address
  return host.replace(/^\[(.*)\]$/, '$1').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}
