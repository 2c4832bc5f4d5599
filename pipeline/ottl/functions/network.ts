/** Converters of addresses. */
import { createHash } from 'node:crypto'
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { fail } from '../problems.ts'
import { typeName } from '../values.ts'
import { list, text, whole } from './params.ts'
import { converter, optional } from './signature.ts'
import { parseUrl } from './url.ts'

const protocols: Readonly<Record<string, number>> = { ICMP: 1, TCP: 6, UDP: 17, RSVP: 46, ICMP6: 58, SCTP: 132 }

/** 4 or 16 bytes; an IPv4 address in IPv6 form is the IPv4 one. */
function addressBytes(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number))
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [head = '', tail] = text
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...n: string[]) => `${pair(n[0]!, n[1]!)}:${pair(n[2]!, n[3]!)}`)
    .split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [left, right] = [groups(head), groups(tail ?? '')]
  const all =
    tail === undefined
      ? left
      : [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right]
  const bytes = Buffer.alloc(16)
  for (const [i, group] of all.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2)
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff
  return isMapped ? bytes.subarray(12) : bytes
}

function pair(high: string, low: string): string {
  return (Number(high) * 256 + Number(low)).toString(16)
}

function port(value: number | bigint, name: string): number {
  const n = Number(value)
  return n >= 0 && n <= 65_535 ? n : fail(`${name} must be between 0 and 65535, got ${n}`)
}

const networkLimit = 64
const networks = new Map<string, BlockList>()

function networkOf(cidr: string): BlockList {
  let found = networks.get(cidr)
  if (found === undefined) {
    const [address = '', bits = ''] = cidr.split('/')
    const isV4 = isIPv4(address)
    if ((!isV4 && !isIPv6(address)) || !/^\d{1,3}$/.test(bits) || Number(bits) > (isV4 ? 32 : 128))
      fail(`invalid CIDR address: ${cidr}`)
    found = new BlockList()
    found.addSubnet(address, Number(bits), isV4 ? 'ipv4' : 'ipv6')
    if (networks.size === networkLimit) networks.clear()
    networks.set(cidr, found)
  }
  return found
}

export const networkFunctions = [
  converter(
    'URL',
    { url_string: text },
    ({ url_string: url }) =>
      (frame) =>
        parseUrl(url(frame)),
  ),
  converter('IsInCIDR', { target: text, networks: list }, ({ target, networks: of }) => (frame) => {
    const address = target(frame)
    const bytes = addressBytes(address)
    if (bytes === undefined) fail(`invalid IP address: ${address}`)
    const isV4 = bytes.length === 4
    const plain = isV4 ? [...bytes].join('.') : address
    return of(frame).some((cidr) => {
      if (typeof cidr !== 'string') fail(`expected string but got ${typeName(cidr)}`)
      return networkOf(cidr).check(plain, isV4 ? 'ipv4' : 'ipv6')
    })
  }),
  converter(
    'CommunityID',
    {
      source_ip: text,
      source_port: whole,
      destination_ip: text,
      destination_port: whole,
      protocol: optional(text),
      seed: optional(whole),
    },
    (args) => (frame) => {
      let from = addressBytes(args.source_ip(frame)) ?? fail(`invalid source IP: ${args.source_ip(frame)}`)
      let to = addressBytes(args.destination_ip(frame)) ?? fail(`invalid destination IP: ${args.destination_ip(frame)}`)
      let fromPort = port(args.source_port(frame), 'source port')
      let toPort = port(args.destination_port(frame), 'destination port')
      const name = args.protocol?.(frame) ?? 'TCP'
      const protocol = protocols[name] ?? fail(`unsupported protocol: ${name}`)
      const seed = port(args.seed?.(frame) ?? 0, 'seed')
      // Both directions of a flow have one id: the smaller end comes first.
      const order = from.length - to.length || Buffer.compare(from, to) || fromPort - toPort
      if (order > 0) [from, to, fromPort, toPort] = [to, from, toPort, fromPort]
      const head = Buffer.from([seed >> 8, seed & 255])
      const tail = Buffer.from([protocol, 0, fromPort >> 8, fromPort & 255, toPort >> 8, toPort & 255])
      return `1:${createHash('sha1')
        .update(Buffer.concat([head, from, to, tail]))
        .digest('base64')}`
    },
  ),
] as const
