/** Pages for people who look into a running engine. */
import type { RequestListener } from 'node:http'
import { defineExtension } from '../../pipeline/component.ts'
import { serverDoor } from '../../pipeline/net/server-door.ts'
import { answer, answerNotFound, type Listening, servePages } from '../../pipeline/telemetry/http-page.ts'
import { config } from './config.ts'
import { componentz, expvarz, extensionz, featurez, pipelinez, servicez } from './pages.ts'
import { tracez } from './tracez.ts'

const htmlType = 'text/html; charset=utf-8'
const jsonType = 'application/json; charset=utf-8'

export default defineExtension({
  type: 'zpages',
  config,
  signals: { extension: 'beta' },
  create(settings, context) {
    const { engine, logger } = context
    const pages = new Map<string, [type: string, render: (query: URLSearchParams) => string]>([
      ['servicez', [htmlType, () => servicez(engine)]],
      ['pipelinez', [htmlType, (query) => pipelinez(engine, query)]],
      ['extensionz', [htmlType, (query) => extensionz(engine, query)]],
      ['featurez', [htmlType, () => featurez(engine)]],
      ['tracez', [htmlType, (query) => tracez(engine, query)]],
      ['componentz', [jsonType, () => componentz(engine)]],
    ])
    if (settings.expvar.enabled) pages.set('expvarz', [jsonType, expvarz])
    let server: Listening | undefined
    let stopWatching = () => {}
    return {
      async start() {
        const door = serverDoor(context, settings, 'http')
        const handle: RequestListener = (request, response) => {
          const [path = '', query = ''] = (request.url ?? '').split('?', 2)
          const known = path.startsWith('/debug/') ? pages.get(path.slice('/debug/'.length)) : undefined
          if (!known) return answerNotFound(response)
          const [type, render] = known
          answer(response, 200, type, render(new URLSearchParams(query)), {
            'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
            'x-content-type-options': 'nosniff',
          })
        }
        server = await servePages(settings, handle, door)
        stopWatching = engine.spans.watch()
        logger.info('Started zpages extension', { endpoint: server.address })
      },
      async shutdown() {
        stopWatching()
        await server?.close()
      },
    }
  },
})
