import type { Reads } from '../data/origin.ts'

/** What of a batch's origin the OTTL somewhere in `settings` may read: all of it, or nothing. Only batches of one origin can be asked who sent them. */
export function originReads(settings: unknown): Reads {
  return asksForClient(settings) ? { metadata: 'all', auth: 'all' } : {}
}

function asksForClient(part: unknown): boolean {
  if (typeof part === 'string') return /\botelcol\s*\./.test(part)
  if (typeof part !== 'object' || part === null) return false
  return Object.values(part).some(asksForClient)
}
