/** Tokens in a header: takes requests that carry one, and puts one on requests. */
import { createHash, timingSafeEqual } from 'node:crypto'
import {
  type ClientAuthenticator,
  clientAuthentication,
  type ServerAuthenticator,
  serverAuthentication,
  Unauthenticated,
} from '../../pipeline/capability/authentication.ts'
import type { Capability } from '../../pipeline/capability/capability.ts'
import { defineExtension, Rejected } from '../../pipeline/component.ts'
import { Code } from '../../pipeline/net/status.ts'
import { StatusError } from '../../pipeline/net/status-error.ts'
import { config } from './config.ts'
import { Tokens } from './tokens.ts'

const notRead = 'the token file has not been read yet'

export default defineExtension({
  type: 'bearer_token_auth',
  aliases: ['bearertokenauth'],
  config,
  signals: { extension: 'beta' },
  placement: 'each',
  create(settings, context) {
    const header = settings.header.toLowerCase()
    let first: string | undefined
    let digests: readonly Buffer[] = []
    const tokens = new Tokens(settings, context, (all) => {
      const values = all.map((token) => (settings.scheme === '' ? token : `${settings.scheme} ${token}`))
      first = values[0]
      digests = values.map(digest)
    })

    const server: ServerAuthenticator = {
      authenticate(headerOf) {
        const [given] = headerOf(header) ?? []
        if (given === undefined) throw new Unauthenticated(`missing or empty authorization header: ${settings.header}`)
        if (first === undefined) throw new StatusError(Code.UNAVAILABLE, notRead, 1_000)
        const mine = digest(given)
        // All of them, so that the time tells nothing.
        let isKnown = false
        for (const known of digests) if (timingSafeEqual(known, mine)) isKnown = true
        if (!isKnown) throw new Unauthenticated('provided authorization does not match expected scheme or token')
        return undefined
      },
    }
    const client: ClientAuthenticator = {
      needsTls: true,
      authorize(headers) {
        if (first === undefined) throw new Rejected(notRead, { retryable: true })
        headers.set(header, first)
      },
    }
    return {
      provides: new Map<Capability<unknown>, unknown>([
        [serverAuthentication, server],
        [clientAuthentication, client],
      ]),
      start: () => tokens.start(),
      shutdown: async () => tokens.close(),
    }
  },
})

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
