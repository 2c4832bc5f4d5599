/** How a resource names its pod, and under which names a pod is found: the two sides must make the same text. */
import { isIP } from 'node:net'
import type { Attributes } from '../../pipeline/data/telemetry.ts'
import type { AssociationSettings } from './config.ts'
import type { Pod } from './pod.ts'

export interface Identifier {
  /** What pods are filed under; empty where the resource names none. */
  readonly key: string
  /** Where it came from, for telemetry: `connection`, `resource_attribute/k8s.pod.uid`, joined by `+`. */
  readonly sources: string
  /** The address of the sender, where that is a part of it. */
  readonly connection: string
}
const nobody: Identifier = { key: '', sources: '', connection: '' }

interface Source {
  readonly isConnection: boolean
  readonly isAttribute: boolean
  readonly name: string
  /** The beginning of its part of the key. */
  readonly prefix: string
}
interface Rule {
  readonly sources: readonly Source[]
  readonly text: string
}

function partOf(from: string, name: string, value: string): string {
  return `${from}\u0000${name}\u0000${value}\u0001`
}
export function connectionKey(ip: string): string {
  return partOf('connection', '', ip)
}
export function attributeKey(name: string, value: string): string {
  return partOf('resource_attribute', name, value)
}

export class Association {
  readonly #rules: readonly Rule[]

  constructor(settings: readonly AssociationSettings[]) {
    this.#rules = settings.map(({ sources }) => {
      const compiled = sources.map(({ from, name }) => {
        const isConnection = from === 'connection'
        const shown = isConnection ? '' : name
        const prefix = `${from}\u0000${shown}\u0000`
        return { isConnection, isAttribute: from === 'resource_attribute', name: shown, prefix, from }
      })
      const text = compiled.map(({ from, name }) => (name === '' ? from : `${from}/${name}`)).join('+')
      return { sources: compiled, text }
    })
  }

  identify(attributes: Attributes, sender: string): Identifier {
    if (this.#rules.length === 0) return identifyByAddress(attributes, sender)
    for (const { sources, text } of this.#rules) {
      let key = ''
      let connection = ''
      let isComplete = true
      for (const { isConnection, isAttribute, name, prefix } of sources) {
        if (!isConnection && !isAttribute) continue
        const value = isConnection ? sender : textAttribute(attributes, name)
        // Inside a cluster host.name may be the pod's address; what is no address says nothing.
        isComplete = value !== '' && (isConnection || name !== 'host.name' || isAddress(value))
        if (!isComplete) break
        if (isConnection && connection === '') connection = value
        key += `${prefix}${value}\u0001`
      }
      if (isComplete) return key === '' ? nobody : { key, sources: text, connection }
    }
    return nobody
  }

  /** Every key under which this pod is found. */
  keysOf(pod: Pod): string[] {
    const keys: string[] = []
    for (const { sources } of this.#rules) keys.push(...keysByRule(sources, pod))
    if (pod.uid !== '') keys.push(attributeKey('k8s.pod.uid', pod.uid))
    // All pods on the network of the host have the host's address.
    if (pod.ip !== '' && !pod.hostNetwork) keys.push(connectionKey(pod.ip), attributeKey('k8s.pod.ip', pod.ip))
    return keys
  }
}

function keysByRule(sources: readonly Source[], pod: Pod): string[] {
  let keys = ['']
  for (const { isConnection, isAttribute, name, prefix } of sources) {
    if (!isConnection && !isAttribute) continue
    const values =
      isAttribute && name === 'container.id'
        ? [...pod.containers.byId.keys()]
        : [isConnection ? (pod.hostNetwork ? '' : pod.ip) : podValue(pod, name)]
    keys = values.filter((value) => value !== '').flatMap((value) => keys.map((key) => `${key}${prefix}${value}\u0001`))
  }
  return keys.filter((key) => key !== '')
}

function podValue(pod: Pod, name: string): string {
  switch (name) {
    case 'k8s.namespace.name':
      return pod.namespace
    case 'k8s.pod.name':
      return pod.name
    case 'k8s.pod.uid':
      return pod.uid
    case 'host.name':
    case 'k8s.pod.ip':
      return pod.ip
    default:
      return pod.attributes.get(name) ?? ''
  }
}

function identifyByAddress(attributes: Attributes, sender: string): Identifier {
  const address = textAttribute(attributes, 'k8s.pod.ip') || textAttribute(attributes, 'ip') || sender
  if (address !== '') return byAddress(address)
  const host = textAttribute(attributes, 'host.name')
  return isAddress(host) ? byAddress(host) : nobody
}
function byAddress(address: string): Identifier {
  return { key: connectionKey(address), sources: 'connection', connection: address }
}

/** Empty for what is not a text. */
export function textAttribute(attributes: Attributes, name: string): string {
  const value = attributes.get(name)
  return typeof value === 'string' ? value : ''
}

function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%')
}

/** The address in `host:port`, as pods have it: an IPv4 address that came over IPv6 is one. */
export function senderOf(address: string | undefined): string {
  if (address === undefined) return ''
  const colon = address.lastIndexOf(':')
  const host = (colon < 0 || isIP(address) !== 0 ? address : address.slice(0, colon)).replace(/^\[|\]$/g, '')
  return host.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}
