import { readFileSync } from 'node:fs'
import type https from 'node:https'
import { join } from 'node:path'
import { z } from 'zod'
import { attributeSwitches, defineDetector, Found, orNothing, type World } from '../detector.ts'
import { type JsonObject, objectOf, textOf } from './json-metadata.ts'
import { osTypeOf } from './os-names.ts'

/** The Docker daemon that we may talk to: the host it runs on, and the container that we are. */
export default defineDetector({
  type: 'docker',
  config: z.strictObject({
    resource_attributes: attributeSwitches({
      'container.image.name': false,
      'container.name': false,
      'host.name': true,
      'os.type': true,
    }),
  }),
  create: ({ resource_attributes }, world) => ({
    detect: (signal) =>
      orNothing(
        world,
        'Docker',
        async () => {
          const isOn = (name: string) => resource_attributes[name]?.enabled === true
          const found = new Found(resource_attributes)
          if (isOn('os.type') || isOn('host.name')) {
            const info = await ask('/info', world, signal)
            found.set('os.type', osTypeOf(textOf(info['OSType'])))
            found.set('host.name', textOf(info['Name']))
          }
          if (isOn('container.name') || isOn('container.image.name')) {
            const container = await ask(`/containers/${encodeURIComponent(world.names.hostname())}/json`, world, signal)
            found.set('container.name', textOf(container['Name']))
            found.set('container.image.name', textOf(container['Image']))
          }
          return found.done()
        },
        (reason) => `docker metadata unavailable: ${reason}`,
      ),
  }),
})

async function ask(path: string, world: World, signal: AbortSignal): Promise<JsonObject> {
  const { base, socketPath, tls } = daemonOf(world)
  const version = world.env['DOCKER_API_VERSION'] ?? ''
  const url = `${base}${version === '' ? '' : `/v${version}`}${path}`
  const place = { ...(socketPath === undefined ? {} : { socketPath }), ...(tls === undefined ? {} : { tls }) }
  return objectOf(await world.http.json(url, { ...place, signal }))
}

/** DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, as Docker's own client reads them. */
function daemonOf({ env }: World): { base: string; socketPath?: string; tls?: https.RequestOptions } {
  const host = env['DOCKER_HOST'] || 'unix:///var/run/docker.sock'
  const [, scheme = '', place = ''] = /^(\w+):\/\/(.*)$/.exec(host) ?? []
  if (scheme === 'unix') return { base: 'http://localhost', socketPath: place }
  if (scheme === 'npipe') return { base: 'http://localhost', socketPath: place.replaceAll('/', '\\') }
  if (scheme !== 'tcp' && scheme !== 'http' && scheme !== 'https')
    throw new Error(`DOCKER_HOST=${host} is not understood; write unix:///path or tcp://host:port`)
  const folder = env['DOCKER_CERT_PATH'] ?? ''
  if (folder === '') return { base: `${scheme === 'https' ? 'https' : 'http'}://${place}` }
  const file = (name: string) => readFileSync(join(folder, name))
  const tls = {
    ca: file('ca.pem'),
    cert: file('cert.pem'),
    key: file('key.pem'),
    rejectUnauthorized: (env['DOCKER_TLS_VERIFY'] ?? '') !== '',
  }
  return { base: `https://${place}`, tls }
}
