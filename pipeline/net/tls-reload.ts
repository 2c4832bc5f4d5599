import type tls from 'node:tls'
import type { Clock } from '../component.ts'
import type { Logger } from '../telemetry/logger.ts'
import { fileIdentity } from './file-identity.ts'
import { type ClientTls, clientTls, type ServerTls, serverTls } from './tls.ts'

interface SecureServer {
  setSecureContext(options: object): void
}

/** Upstream looks at most this often. */
const clientCaCheckMs = 1_000

/** Reads certificates again as `reload_interval` and `client_ca_file_reload` say; a bad file leaves the old ones in force. The answer stops it. */
export function reloadTls(server: SecureServer, settings: ServerTls, clock: Clock, logger: Logger): () => void {
  const reload = () => {
    try {
      server.setSecureContext(serverTls(settings))
    } catch (error) {
      logger.warn('Kept the old TLS certificates: the new ones could not be read.', { error })
    }
  }
  const stops: (() => void)[] = []
  if (settings.reload_interval > 0) stops.push(clock.every(settings.reload_interval, reload))
  if (settings.client_ca_file !== '' && settings.client_ca_file_reload) {
    let seen = fileIdentity(settings.client_ca_file)
    const check = () => {
      const now = fileIdentity(settings.client_ca_file)
      if (now === seen) return
      seen = now
      reload()
    }
    stops.push(clock.every(clientCaCheckMs, check))
  }
  return () => {
    for (const stop of stops) stop()
  }
}

/** Calls `use` with new options when a file of a client's TLS has changed; a bad file leaves the old ones in force. The answer stops it. */
export function reloadClientTls(
  settings: ClientTls,
  clock: Clock,
  logger: Logger,
  use: (options: tls.ConnectionOptions) => void,
): () => void {
  const files = [settings.ca_file, settings.cert_file, settings.key_file].filter((file) => file !== '')
  if (settings.reload_interval <= 0 || files.length === 0) return () => {}
  const identities = () => files.map(fileIdentity).join(' ')
  let seen = identities()
  return clock.every(settings.reload_interval, () => {
    const now = identities()
    if (now === seen) return
    try {
      const options = clientTls(settings)
      if (options !== undefined) use(options)
      seen = now
    } catch (error) {
      // Asked again at the next look: the files may be in the middle of being replaced.
      logger.warn('Kept the old TLS certificates: the new ones could not be read.', { error })
    }
  })
}
