/** Finds the extension that `auth` or `middlewares` names, with upstream's texts where there is none. */
import type { Capability } from '../capability/capability.ts'
import type { Context } from '../component.ts'

export type Host = Pick<Context, 'extension' | 'engine'>
export interface Wanted<T> {
  readonly capability: Capability<T>
  readonly what: 'authenticator' | 'middleware'
  /** Upstream's text for an extension that is there and is something else. */
  readonly isNot: string
}

/** Call it from `start`. Throws when there is no such extension, or when it is no such thing. */
export function namedExtension<T>(host: Host, id: string, { capability, what, isNot }: Wanted<T>): T {
  try {
    return host.extension(capability, id)
  } catch (cause) {
    const isThere = host.engine.components.some((component) => component.kind === 'extension' && component.id === id)
    if (isThere) throw new Error(`${isNot}: ${JSON.stringify(id)} offers no ${capability.name}`, { cause })
    const cure = `add ${JSON.stringify(id)} to service::extensions`
    throw new Error(`failed to resolve ${what} ${JSON.stringify(id)}: ${what} not found; ${cure}`, { cause })
  }
}
