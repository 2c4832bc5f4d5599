/** CPU and heap profiles of the running engine, in the format of `go tool pprof`. */
import type { ServerResponse } from 'node:http'
import { defineExtension } from '../../pipeline/component.ts'
import { answer, type Listening, servePages } from '../../pipeline/telemetry/http-page.ts'
import { config } from './config.ts'
import { LastingProfile } from './lasting-profile.ts'
import { indexPage, Pages } from './pages.ts'

/** V8 has one profiler a thread, as Go has one a process. */
let isRunning = false

export default defineExtension({
  type: 'pprof',
  config,
  signals: { extension: 'beta' },
  create(settings, { clock, logger }) {
    let server: Listening | undefined
    let lasting: LastingProfile | undefined
    let isOwner = false
    const pages = new Pages(clock, () => lasting !== undefined)

    async function close(): Promise<void> {
      pages.stop()
      await server?.close()
      server = undefined
      const profile = lasting
      lasting = undefined
      if (isOwner) isRunning = false
      isOwner = false
      await profile?.finish()
    }

    return {
      async start() {
        if (isRunning) throw new Error('only a single pprof extension instance can be running per process')
        isRunning = true
        isOwner = true
        try {
          const { endpoint } = settings
          server = await servePages({ endpoint, transport: 'tcp' }, (request, response) => {
            const url = new URL(request.url ?? '/', 'http://localhost')
            if (url.pathname === '/debug/pprof' || url.pathname === '/debug/pprof/') page(response, indexPage)
            else pages.answer(url, response)
          })
          if (settings.save_to_file !== '') lasting = await LastingProfile.start(settings.save_to_file, clock)
        } catch (error) {
          await close()
          throw error
        }
        logger.info('Started the pprof server.', { endpoint: server.address })
        for (const key of ['block_profile_fraction', 'mutex_profile_fraction'] as const)
          if (settings[key] > 0)
            logger.warn('A setting of pprof has no effect here: Node has no such profile.', { key })
      },
      shutdown: close,
    }
  },
})

function page(response: ServerResponse, html: string): void {
  answer(response, 200, 'text/html; charset=utf-8', html, {
    'content-security-policy': "default-src 'none'",
    'x-content-type-options': 'nosniff',
  })
}
