/** User names and passwords: checks those of clients against an htpasswd list, or sends ours. */
import { clientAuthentication, serverAuthentication } from '../../pipeline/capability/authentication.ts'
import { defineExtension, type Provides } from '../../pipeline/component.ts'
import { BasicAuthClient } from './client.ts'
import { config } from './config.ts'
import { BasicAuthServer } from './server.ts'

export default defineExtension({
  type: 'basic_auth',
  aliases: ['basicauth'],
  config,
  signals: { extension: 'beta' },
  placement: 'each',
  create(settings, context) {
    if (settings.htpasswd) {
      const server = new BasicAuthServer(settings.htpasswd, context)
      const provides: Provides = new Map([[serverAuthentication, server]])
      context.meter.observedCounter(
        'vigil_basic_auth_computed_hashes',
        () => server.users.computed,
        {},
        'Slow password hashes that were computed; remembered answers are not among them.',
      )
      return { provides, start: () => server.start(), shutdown: () => server.shutdown() }
    }
    if (!settings.client_auth) throw new Error('no credential source provided')
    const client = new BasicAuthClient(settings.client_auth, context)
    const provides: Provides = new Map([[clientAuthentication, client]])
    return { provides, start: () => client.start(), shutdown: () => client.shutdown() }
  },
})
