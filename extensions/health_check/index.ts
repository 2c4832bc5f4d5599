/** Tells load balancers and Kubernetes whether the pipelines run. */
import { defineExtension } from '../../pipeline/component.ts'
import { refuseUnresolved } from '../../pipeline/net/server-keys.ts'
import { answer, answerNotFound, type Listening, servePages } from '../../pipeline/telemetry/http-page.ts'
import { config } from './config.ts'
import { healthBody, isReady } from './health.ts'

export default defineExtension({
  type: 'health_check',
  config,
  signals: { extension: 'alpha' },
  create(settings, { engine, clock, logger }) {
    const { path, response_body: bodies } = settings
    let server: Listening | undefined
    return {
      async start() {
        refuseUnresolved(settings)
        try {
          server = await servePages(settings, (request, response) => {
            const asked = request.url?.split('?', 1)[0] ?? ''
            if (path.endsWith('/') ? !asked.startsWith(path) : asked !== path) return answerNotFound(response)
            const status = isReady(engine) ? 200 : 503
            const type = bodies ? 'text/plain; charset=utf-8' : 'application/json'
            const own = status === 200 ? bodies?.healthy : bodies?.unhealthy
            answer(response, status, type, own ?? healthBody(engine, clock.nowUnixNano()))
          })
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : String(cause)
          throw new Error(`failed to bind to address ${settings.endpoint}: ${why}`, { cause })
        }
        logger.info('Started health_check extension', { endpoint: server.address, path })
      },
      async shutdown() {
        await server?.close()
      },
    }
  },
})
