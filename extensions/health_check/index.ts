/** Tells load balancers and Kubernetes whether the pipelines run. */
import { type Context, defineExtension } from '../../pipeline/component.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { GrpcServer } from '../../pipeline/net/grpc-server.ts'
import { serverDoor } from '../../pipeline/net/server-door.ts'
import {
  answer,
  answerNotFound,
  type Listening,
  type PageServer,
  servePages,
} from '../../pipeline/telemetry/http-page.ts'
import { type ComponentHealth, config, type HttpKeys } from './config.ts'
import { healthMethods } from './grpc-health.ts'
import { healthBody, isReady } from './health.ts'
import { engineStatus, type Status } from './status.ts'
import { configBody, isServing, statusAnswer } from './status-answer.ts'

type Respond = Parameters<typeof servePages>[1]
type Server = PageServer & Parameters<typeof serverDoor>[1] & { readonly endpoint: string }
const gateId = 'extension.healthcheck.useComponentStatus'
const v2Message =
  'v2 healthcheck configuration (http/grpc fields) detected but feature gate is disabled. ' +
  'Either remove the v2 config fields, set use_v2: true, or enable the feature gate with: ' +
  `--feature-gates=+${gateId}`

export default defineExtension({
  type: 'health_check',
  config,
  signals: { extension: 'alpha' },
  create(settings, context) {
    const { engine, clock, logger, random } = context
    const { path, response_body: bodies, http, grpc, component_health: health } = settings
    const isV2 = settings.use_v2 || engine.featureGates.some(({ id, enabled }) => id === gateId && enabled)
    const http2 = http ?? (isV2 && !grpc ? { ...settings, status: statusAt(path), config: noConfig } : undefined)
    const recoverableFirst = health?.include_recoverable_errors === true && !health.include_permanent_errors
    const listening: Listening[] = []
    let grpcServer: GrpcServer | undefined
    let stopListening = () => {}

    const legacy: Respond = (request, response) => {
      if (!isAt(path, request.url)) return answerNotFound(response)
      const status = isReady(engine) ? 200 : 503
      const type = bodies ? 'text/plain; charset=utf-8' : 'application/json'
      const own = status === 200 ? bodies?.healthy : bodies?.unhealthy
      answer(response, status, type, own ?? healthBody(engine, clock.nowUnixNano()))
    }
    const serve = async (server: Server, respond: Respond) => {
      const door = serverDoor(context, server, 'http')
      try {
        const one = await servePages(server, respond, door)
        listening.push(one)
        return one.address
      } catch (cause) {
        const why = errorMessage(cause)
        throw new Error(`failed to bind to address ${server.endpoint}: ${why}`, { cause })
      }
    }
    const scoped = (scope: string): Status | undefined => {
      const whole = engineStatus(engine, recoverableFirst)
      if (scope === '') return whole
      return whole.components.get(scope === 'extensions' ? scope : `pipeline:${scope}`)
    }

    return {
      async start() {
        if (!isV2 && (http ?? grpc)) throw new Error(v2Message)
        if (!isV2) {
          logger.info('Started health_check extension', { endpoint: await serve(settings, legacy), path })
        }
        if (isV2 && http2) {
          const respond = statusPages(http2, health, context, scoped)
          const endpoint = await serve(http2, respond)
          logger.info('Started health_check extension', { endpoint, path: http2.status.path })
        }
        if (isV2 && grpc) {
          const methods = healthMethods((service) => {
            const status = scoped(service)
            return status && isServing(status, health, clock.nowUnixNano())
          })
          const door = serverDoor(context, grpc, 'grpc')
          grpcServer = new GrpcServer({ settings: grpc, methods, clock, random, logger, door })
          await grpcServer.listen()
          logger.info('Started health_check extension', { endpoint: grpcServer.address, service: 'grpc.health.v1' })
        }
        const say = (status: 'ready' | 'unavailable') => logger.info('Health Check state change', { status })
        if (isReady(engine)) say('ready')
        stopListening = engine.onPhase((phase) => {
          if (phase === 'ready') say('ready')
          else if (phase === 'stopping') say('unavailable')
        })
      },
      async shutdown(deadline) {
        stopListening()
        for (const one of listening.splice(0)) await one.close()
        await grpcServer?.close(deadline)
        grpcServer = undefined
      },
    }
  },
})

const noConfig = { enabled: false, path: '/config', include_attributes: false }
function statusAt(path: string): HttpKeys['status'] {
  return { enabled: true, path, include_attributes: false }
}

function statusPages(
  { status, config: shown }: Pick<HttpKeys, 'status' | 'config'>,
  health: ComponentHealth | undefined,
  { engine, clock }: Pick<Context, 'engine' | 'clock'>,
  scoped: (scope: string) => Status | undefined,
): Respond {
  const startUnixNano = clock.nowUnixNano()
  return (request, response) => {
    const query = new URLSearchParams(request.url?.split('?', 2)[1] ?? '')
    if (status.enabled && isAt(status.path, request.url)) {
      const found = scoped(query.get('pipeline') ?? '')
      if (found === undefined) return void response.writeHead(404, { 'content-length': 0 }).end()
      const isVerbose = query.has('verbose') && query.get('verbose') !== 'false'
      const { code, body } = statusAnswer(found, health, { isVerbose, startUnixNano, nowUnixNano: clock.nowUnixNano() })
      return answer(response, code, 'application/json', body)
    }
    if (shown.enabled && isAt(shown.path, request.url)) {
      return answer(response, 200, 'application/json', configBody(engine))
    }
    answerNotFound(response)
  }
}

/** As Go's mux: a path that ends in a slash stands for all below it. */
function isAt(path: string, url: string | undefined): boolean {
  const asked = url?.split('?', 1)[0] ?? ''
  return path.endsWith('/') ? asked.startsWith(path) : asked === path
}
