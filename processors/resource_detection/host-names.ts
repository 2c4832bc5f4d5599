/** What this machine is called: by the system, by its hosts file, and by the DNS. */
import dns from 'node:dns/promises'
import os from 'node:os'

export interface HostNames {
  hostname(): string
  /** The canonical names of a name that the DNS knows; rejects where it knows none. */
  canonical(name: string): Promise<string>
  addresses(name: string): Promise<readonly string[]>
  reverse(address: string): Promise<readonly string[]>
}
type ReadFile = (path: string) => Promise<string>

export function ownNames(readFile: ReadFile): HostNames {
  return {
    hostname: () => os.hostname(),
    canonical: async (name) => {
      for (const candidate of await candidates(name, readFile)) {
        const found = await follow(candidate)
        if (found !== undefined) return found
      }
      throw new Error(`lookup ${name}: no such host`)
    },
    addresses: async (name) => (await dns.lookup(name, { all: true })).map(({ address }) => address),
    reverse: (address) => dns.reverse(address),
  }
}

/** The fully qualified name: of the hosts file, of the DNS, or of the first address that has one. */
export async function qualifiedName(names: HostNames, readFile: ReadFile): Promise<string> {
  const host = names.hostname()
  const listed = inHosts(host, await readFile('/etc/hosts').catch(() => ''))
  if (listed !== undefined) return listed
  try {
    return withoutDot(await names.canonical(host))
  } catch {
    return reverseName(names)
  }
}

export async function canonicalName(names: HostNames, readFile: ReadFile): Promise<string> {
  const host = names.hostname()
  const listed = inHosts(host, await readFile('/etc/hosts').catch(() => ''))
  return withoutDot(listed ?? (await names.canonical(host)))
}

export async function reverseName(names: HostNames): Promise<string> {
  let last: unknown
  for (const address of await names.addresses(names.hostname())) {
    try {
      const [name] = await names.reverse(address)
      if (name !== undefined) return withoutDot(name)
    } catch (error) {
      last = error
    }
  }
  throw new Error('no address of this host has a name', { cause: last })
}

/** hosts(5): an address, the canonical name, aliases. */
export function inHosts(host: string, file: string): string | undefined {
  for (const line of file.split('\n')) {
    const [, canonical, ...aliases] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/)
    if (canonical !== undefined && (canonical === host || aliases.includes(host))) return canonical
  }
  return undefined
}

/** Node asks the DNS for exact names only, so the search list is ours to try. */
async function candidates(name: string, readFile: ReadFile): Promise<readonly string[]> {
  const config = await readFile('/etc/resolv.conf').catch(() => '')
  const domains = config
    .split('\n')
    .filter((line) => /^(search|domain)\s/.test(line))
    .at(-1)
    ?.trim()
    .split(/\s+/)
    .slice(1)
  const searched = (domains ?? []).map((domain) => `${name}.${domain.replace(/\.$/, '')}`)
  return name.includes('.') ? [name, ...searched] : [...searched, name]
}

const longestChain = 10

/** To the end of its CNAMEs, where there must be an address. */
async function follow(name: string): Promise<string | undefined> {
  let end = name
  for (let step = 0; step < longestChain; step++) {
    const next = await dns.resolveCname(end).catch(() => [])
    if (next[0] === undefined) break
    end = next[0]
  }
  const addresses = await Promise.any([dns.resolve4(end), dns.resolve6(end)]).catch(() => [])
  return addresses.length > 0 ? end : undefined
}

function withoutDot(name: string): string {
  return name.replace(/\.+$/, '')
}
