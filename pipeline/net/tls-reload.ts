import { statSync } from 'node:fs'
import type { Clock } from '../component.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type ServerTls, serverTls } from './tls.ts'

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
    let seen = identity(settings.client_ca_file)
    const check = () => {
      const now = identity(settings.client_ca_file)
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

/** Follows links, so that a Kubernetes volume whose target is swapped counts as changed. */
function identity(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats ? `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}` : ''
}
