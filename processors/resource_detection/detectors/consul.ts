import type https from 'node:https'
import { z } from 'zod'
import { secret } from '../../../pipeline/config/fields.ts'
import { attributeSwitches, defineDetector, Found, orNothing, type World } from '../detector.ts'
import { objectOf, textOf } from './json-metadata.ts'

const prefixGate = 'processor.resourcedetection.consul.prefixMetaAttributes'

/** The Consul agent of this node. What the config leaves out, Consul's own variables say. */
export default defineDetector({
  type: 'consul',
  config: z.strictObject({
    address: z.string().default('').describe('Of the agent; empty = CONSUL_HTTP_ADDR, or 127.0.0.1:8500.'),
    datacenter: z.string().default('').describe('The datacenter to ask; empty = that of the agent.'),
    token: secret().default('').describe('The ACL token; empty = CONSUL_HTTP_TOKEN.'),
    token_file: z.string().default('').describe('A file with the ACL token; empty = CONSUL_HTTP_TOKEN_FILE.'),
    namespace: z.string().default('').describe('The namespace to ask in; empty = CONSUL_NAMESPACE.'),
    meta: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('The metadata of the node that becomes attributes, by key; the values mean nothing.'),
    resource_attributes: attributeSwitches({ 'cloud.region': true, 'host.id': true, 'host.name': true }),
  }),
  create: (settings, world) => ({
    detect: (signal) =>
      orNothing(
        world,
        'Consul',
        async () => {
          const { url, socketPath, tls } = addressOf(settings.address, world)
          if (settings.datacenter !== '') url.searchParams.set('dc', settings.datacenter)
          const namespace = settings.namespace || (world.env['CONSUL_NAMESPACE'] ?? '')
          if (namespace !== '') url.searchParams.set('ns', namespace)
          const token = await tokenOf(settings, world)
          const self = objectOf(
            await world.http.json(url.href, {
              headers: { ...(token === '' ? {} : { 'x-consul-token': token }), ...basicAuth(world) },
              ...(socketPath === undefined ? {} : { socketPath }),
              tls,
              signal,
            }),
          )
          const agent = objectOf(self['Config'])
          const field = (name: string): string => {
            const value = agent[name]
            if (typeof value !== 'string') throw new Error(`was '${name}' returned by consul?`)
            return value
          }
          const found = new Found(settings.resource_attributes)
          found.set('host.name', field('NodeName'))
          found.set('cloud.region', field('Datacenter'))
          found.set('host.id', field('NodeID'))
          const prefix = world.hasGate(prefixGate) ? 'consul.meta.' : ''
          for (const [key, value] of Object.entries(objectOf(self['Meta'])))
            if (Object.hasOwn(settings.meta, key)) found.add(`${prefix}${key}`, textOf(value))
          return found.done()
        },
        (reason) => `failed to get consul metadata: ${reason}`,
      ),
  }),
})

interface Place {
  readonly url: URL
  readonly socketPath: string | undefined
  readonly tls: https.RequestOptions
}

function addressOf(configured: string, { env }: World): Place {
  const address = configured || env['CONSUL_HTTP_ADDR'] || '127.0.0.1:8500'
  const isTls = isTrue(env['CONSUL_HTTP_SSL'])
  const tls = isTrue(env['CONSUL_HTTP_SSL_VERIFY'] ?? 'true') ? {} : { rejectUnauthorized: false }
  const path = '/v1/agent/self'
  if (address.startsWith('unix://')) {
    return { url: new URL(`http://localhost${path}`), socketPath: address.slice('unix://'.length), tls }
  }
  const withScheme = /^https?:\/\//.test(address) ? address : `${isTls ? 'https' : 'http'}://${address}`
  return { url: new URL(`${withScheme.replace(/\/$/, '')}${path}`), socketPath: undefined, tls }
}

async function tokenOf({ token, token_file }: { token: string; token_file: string }, world: World): Promise<string> {
  const file = token_file || (world.env['CONSUL_HTTP_TOKEN_FILE'] ?? '')
  if (file !== '') {
    const text = (await world.readFile(file)).trim()
    if (text !== '') return text
  }
  return token || (world.env['CONSUL_HTTP_TOKEN'] ?? '')
}

function basicAuth({ env }: World): Record<string, string> {
  const auth = env['CONSUL_HTTP_AUTH'] ?? ''
  return auth === '' ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }
}

function isTrue(text: string | undefined): boolean {
  return /^(1|t|true)$/i.test(text ?? '')
}
