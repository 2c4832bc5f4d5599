/** A world for detectors: an HTTP server on this machine that stands for all metadata services, and files and variables of the test. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { HttpClient } from '../../pipeline/net/http-client.ts'
import { testContext } from '../../pipeline/testing/context.ts'
import { config } from './config.ts'
import type { Detector, World } from './detector.ts'
import { detectorTypes } from './detector-types.ts'
import type { HostNames } from './host-names.ts'
import { MetadataClient } from './metadata-client.ts'

export interface Answer {
  readonly status?: number
  /** Headers that the request must have, or it is answered 401. */
  readonly needs?: Readonly<Record<string, string | RegExp>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}
export interface Asked {
  readonly request: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}
export interface Service extends AsyncDisposable {
  readonly url: string
  readonly asked: Asked[]
}

/** Answers by `METHOD /path?query`; everything else is a 404. */
export async function serve(answers: Readonly<Record<string, Answer>>, listenOn?: string): Promise<Service> {
  const asked: Asked[] = []
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const key = `${request.method} ${request.url}`
      asked.push({ request: key, headers: request.headers, body: Buffer.concat(parts).toString() })
      const answer = answers[key]
      const isRefused = Object.entries(answer?.needs ?? {}).some(([name, value]) => {
        const sent = String(request.headers[name] ?? '')
        return typeof value === 'string' ? sent !== value : !value.test(sent)
      })
      response.writeHead(answer === undefined ? 404 : isRefused ? 401 : (answer.status ?? 200), answer?.headers)
      response.end(isRefused ? 'no' : (answer?.body ?? ''))
    })
  })
  await new Promise<void>((resolve) => {
    if (listenOn === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(listenOn, resolve)
  })
  const address = server.address()
  const url = typeof address === 'string' ? '' : `http://127.0.0.1:${(address as AddressInfo).port}`
  return {
    url,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface WorldOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  readonly mustFind?: boolean
  readonly gates?: readonly string[]
  readonly names?: Partial<HostNames>
  readonly serviceAccount?: string
}

/** Every URL leads to `service`; without one, nobody answers. */
export function worldWith(service: Service | undefined, options: WorldOptions = {}): World {
  const { clock, logger } = testContext()
  const { env = {}, files = {}, mustFind = false, gates = [], names = {}, serviceAccount = '/nowhere' } = options
  const reach = (url: string) =>
    url.replace(/^https?:\/\/(\[[^\]]*\]|[^/:]+)(:\d+)?/, service?.url ?? 'http://127.0.0.1:1')
  // Its certificates take long to read, and few need it.
  let client: HttpClient | undefined
  return {
    env,
    readFile: async (path) => {
      const text = files[path]
      if (text !== undefined) return text
      throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    },
    platform: 'linux',
    names: {
      hostname: () => 'box',
      canonical: async () => {
        throw new Error('no such host')
      },
      addresses: async () => [],
      reverse: async () => [],
      ...names,
    },
    http: new MetadataClient(reach),
    post: (request) => {
      client ??= new HttpClient(config.parse({}), { env: {} })
      return client.post({ ...request, origin: noOrigin })
    },
    pod: { env, serviceAccount },
    clock,
    logger,
    mustFind,
    hasGate: (id) => gates.includes(id),
  }
}

/** As the processor makes it of its block in the config. */
function detectorOf(type: string, settings: Record<string, unknown>, world: World): Detector {
  const known = detectorTypes.get(type)
  if (known === undefined) throw new Error(`no detector ${type}`)
  const decoded = config.parse(known.section === '' ? {} : { [known.section]: settings }) as Record<string, unknown>
  return known.create(decoded[known.section], world)
}

export async function detect(
  type: string,
  world: World,
  settings: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const { attributes } = await detectorOf(type, settings, world).detect(AbortSignal.timeout(10_000))
  return Object.fromEntries(attributes)
}
/** Switches them on. */
export function on(...names: string[]): Record<string, { enabled: boolean }> {
  return Object.fromEntries(names.map((name) => [name, { enabled: true }]))
}
