import { statSync } from 'node:fs'

/** Changes when a file does; empty where there is none. Follows links, so that a Kubernetes volume whose target is swapped counts as changed. */
export function fileIdentity(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats ? `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}` : ''
}
