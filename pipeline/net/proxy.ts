/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go reads them (`golang.org/x/net/http/httpproxy`), which differs from what Node and grpc-js make of them. */
import { BlockList, isIP, isIPv4 } from 'node:net'

export type Environment = Readonly<Record<string, string | undefined>>
/** The proxy to go through to a URL; undefined = go there directly. */
export type ProxyOf = (url: URL) => URL | undefined

/** Throws when a variable holds what is no proxy. */
export function proxiesOf(env: Environment): ProxyOf {
  const either = (name: string) => env[name] || env[name.toLowerCase()] || ''
  const proxies = {
    'http:': proxyUrl('HTTP_PROXY', either('HTTP_PROXY')),
    'https:': proxyUrl('HTTPS_PROXY', either('HTTPS_PROXY')),
  }
  const isExempt = exemptions(either('NO_PROXY'))
  return (url) => {
    const proxy = proxies[url.protocol as keyof typeof proxies]
    return proxy === undefined || isExempt(url) ? undefined : proxy
  }
}

function proxyUrl(name: string, text: string): URL | undefined {
  if (text === '') return undefined
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new Error(`${name} is no proxy that can be used: write http://host:port or https://host:port`)
}

/** Whether a URL is never sent through a proxy: this machine, and what NO_PROXY lists. */
function exemptions(list: string): (url: URL) => boolean {
  const entries = list.split(',').map((entry) => entry.trim().toLowerCase())
  if (entries.includes('*')) return () => true
  const matchers = entries.flatMap((entry) => (entry === '' ? [] : [matcher(entry)]))
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
    if (host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, family(host)))) return true
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    return matchers.some((matches) => matches(host, port))
  }
}

type Matcher = (host: string, port: string) => boolean

/** An address, a network, or a domain, the first and the last with a port or without. */
function matcher(entry: string): Matcher {
  const [network = '', bits = ''] = entry.split('/', 2)
  if (isIP(network) !== 0 && /^\d+$/.test(bits) && Number(bits) <= (isIPv4(network) ? 32 : 128)) {
    const members = new BlockList()
    members.addSubnet(network, Number(bits), family(network))
    return (host) => isIP(host) !== 0 && members.check(host, family(host))
  }
  const [, bracketed, plain, wanted] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? []
  const name = bracketed ?? plain ?? entry
  const isPort = (port: string) => wanted === undefined || wanted === port
  if (isIP(name) !== 0) return (host, port) => host === name && isPort(port)
  const domain = name.replace(/^\*/, '')
  // `.example.com` is its subdomains, `example.com` also itself.
  const suffix = domain.startsWith('.') ? domain : `.${domain}`
  return (host, port) => isPort(port) && (host.endsWith(suffix) || (suffix !== domain && host === domain))
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6'
}
