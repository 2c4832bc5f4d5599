/** A small file that is read again when it changes: tokens, passwords, user lists. */
import { readFileSync } from 'node:fs'
import type { Clock } from '../component.ts'
import type { Logger } from '../telemetry/logger.ts'
import { fileIdentity } from './file-identity.ts'

export interface WatchOptions {
  readonly path: string
  readonly clock: Clock
  readonly logger: Logger
  /** Throws when the content is of no use: the old one stays in force then. */
  readonly onContent: (content: string) => void
}

/** Looking is cheap, works on every file system, and follows the links of a Kubernetes volume. */
const lookMs = 1_000

/** Reads the file now, which throws, and again when it changes, which does not. The answer stops it. */
export function watchFile({ path, clock, logger, onContent }: WatchOptions): () => void {
  const read = () => onContent(readFileSync(path, 'utf8'))
  let seen = fileIdentity(path)
  read()
  return clock.every(lookMs, () => {
    const now = fileIdentity(path)
    if (now === seen) return
    seen = now
    try {
      read()
      logger.info('Read a file again that had changed.', { file: path })
    } catch (error) {
      logger.warn('Kept what was read of a file before: it has changed, and cannot be used.', { file: path, error })
    }
  })
}
