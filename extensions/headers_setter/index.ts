/** Sets headers of outgoing requests, also from what the clients that sent the data told of themselves: one backend, many tenants. */
import { type ClientAuthenticator, clientAuthentication } from '../../pipeline/capability/authentication.ts'
import { defineExtension } from '../../pipeline/component.ts'
import { namedExtension } from '../../pipeline/net/named-extension.ts'
import { watchFile } from '../../pipeline/net/watched-file.ts'
import { config } from './config.ts'
import { type Apply, compileHeader, readsOfHeaders } from './headers.ts'

const actions = ['insert', 'update', 'upsert', 'delete']

export default defineExtension({
  type: 'headers_setter',
  config,
  signals: { extension: 'alpha' },
  placement: 'each',
  reads: ({ headers }) => readsOfHeaders(headers),
  create(settings, context) {
    const { clock, logger } = context
    const files = new Map<string, string>()
    const stops: (() => void)[] = []
    const applies: readonly Apply[] = settings.headers.map((header) =>
      compileHeader(header, () => files.get(header.value_file ?? '') ?? ''),
    )
    let additional: ClientAuthenticator | undefined

    const authenticator: ClientAuthenticator = {
      get needsTls() {
        return additional?.needsTls ?? false
      },
      async authorize(headers, origin) {
        await additional?.authorize(headers, origin)
        for (const apply of applies) apply(headers, origin)
      },
    }
    return {
      provides: new Map([[clientAuthentication, authenticator]]),
      async start() {
        if (settings.additional_auth !== undefined)
          additional = namedExtension(context, settings.additional_auth, {
            capability: clientAuthentication,
            what: 'authenticator',
            isNot: 'requested authenticator is not a client authenticator',
          })
        for (const { action, key } of settings.headers)
          if (!actions.includes(action))
            logger.warn('The action was not provided, using upsert.', { key, action, one_of: actions })
        for (const { value_file: path } of settings.headers) {
          if (path === undefined || files.has(path)) continue
          const onContent = (content: string) => void files.set(path, content.trim())
          stops.push(watchFile({ path, clock, logger, onContent }))
        }
      },
      async shutdown() {
        for (const stop of stops.splice(0)) stop()
      },
    }
  },
})
