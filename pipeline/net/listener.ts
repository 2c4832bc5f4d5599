/** Opens the socket of an `endpoint`, as Go's `net.Listen` would. */
import { lookup } from 'node:dns/promises'
import { rm } from 'node:fs/promises'
import { type AddressInfo, connect, isIP, type Server } from 'node:net'
import type { Transport } from './server-keys.ts'

export interface Endpoint {
  readonly endpoint: string
  readonly transport: Transport
}

/** Go's default: peers that are gone without a word are noticed. */
export const tcpKeepAlive = { keepAlive: true, keepAliveInitialDelay: 15_000 }

/**
 * Resolves when the server listens; throws when the endpoint is no address, or is taken. With `isShared` other threads of this process listen
 * there too, and the system spreads the connections.
 */
export async function listen(server: Server, { endpoint, transport }: Endpoint, isShared = false): Promise<void> {
  switch (transport) {
    case 'tcp':
    case 'tcp4':
    case 'tcp6':
      return open(server, shared(await tcpOptions(endpoint, transport), isShared), `listen ${transport} ${endpoint}`)
    case 'unix':
      if (endpoint === '') throw new Error('listen unix: the endpoint is empty; give the path of a socket')
      if (isShared) throw new Error(`listen unix ${endpoint}: workers cannot share a unix socket; listen on tcp`)
      await removeStale(endpoint)
      return open(server, { path: endpoint }, `listen unix ${endpoint}`)
    default:
      throw new Error(`listen ${transport} ${endpoint}: servers here listen on tcp, tcp4, tcp6 or unix`)
  }
}

/** `127.0.0.1:4317`, `[::1]:4317` or the path of the socket. */
export function addressOf(server: Server): string {
  const address: AddressInfo | string | null = server.address()
  if (address === null) return ''
  return typeof address === 'string' ? address : hostPort(address.address, address.port)
}

export function hostPort(host: string | undefined, port: number | undefined): string {
  if (host === undefined) return ''
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Exported for its tests. */
export function splitHostPort(endpoint: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(endpoint)
  if (!match) {
    const why = endpoint.includes(':') ? 'too many colons in address' : 'missing port in address'
    throw new Error(`address ${endpoint}: ${why}`)
  }
  const [, bracketed, plain, text = ''] = match
  const port = text === '' ? 0 : Number(text)
  if (!/^\d*$/.test(text)) throw new Error(`address ${endpoint}: unknown port ${JSON.stringify(text)}; give a number`)
  if (port > 65_535) throw new Error(`address ${text}: invalid port`)
  return { host: bracketed ?? plain ?? '', port }
}

async function tcpOptions(endpoint: string, transport: Transport): Promise<{ host?: string; port: number }> {
  let parts: { host: string; port: number }
  try {
    parts = splitHostPort(endpoint === '' ? ':0' : endpoint)
  } catch (cause) {
    throw new Error(`listen ${transport}: ${(cause as Error).message}`, { cause })
  }
  const { host, port } = parts
  if (host === '') return transport === 'tcp4' ? { host: '0.0.0.0', port } : { port }
  if (isIP(host)) return { host, port }
  try {
    // Go listens on the first address, IPv4 before IPv6 where a name has both.
    const found = await lookup(host, {
      family: transport === 'tcp6' ? 6 : transport === 'tcp4' ? 4 : 0,
      order: 'ipv4first',
    })
    return { host: found.address, port }
  } catch (cause) {
    throw new Error(`listen ${transport}: lookup ${host}: no such host`, { cause })
  }
}

function shared<T extends { port: number }>(options: T, isShared: boolean): T & { reusePort?: true } {
  if (!isShared) return options
  if (options.port === 0) throw new Error('port 0 gives each worker a port of its own: name one')
  return { ...options, reusePort: true }
}

async function open(
  server: Server,
  options: { host?: string; port?: number; path?: string; reusePort?: true },
  what: string,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (cause: NodeJS.ErrnoException) =>
    reject(new Error(`${what}: ${reasons[cause.code ?? ''] ?? cause.message}`, { cause }))
  server.once('error', fail)
  server.listen({ ...options, backlog: 4_096 }, resolve)
  await promise
  server.off('error', fail)
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'bind: address already in use',
  EACCES: 'bind: permission denied',
  EADDRNOTAVAIL: 'bind: cannot assign requested address',
}

/** A socket file that nobody listens on any more is left by a crash; it would make every later start fail. */
async function removeStale(path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = connect(path)
  probe.on('connect', () => resolve(false))
  probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  const isStale = await promise
  probe.destroy()
  if (isStale) await rm(path, { force: true })
}
