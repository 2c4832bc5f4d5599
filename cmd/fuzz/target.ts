/** What is attacked, and how one knows that it held. */
import type { Random } from './random.ts'

export const targetNames = ['wire', 'json', 'config', 'grpc', 'http', 'compression'] as const
export type TargetName = (typeof targetNames)[number]

export interface Target {
  readonly maxBytes: number
  /** One input by the grammar comes as it is, and damaged so many times less one. */
  readonly family: number
  /** Byte strings that mean something to what reads the input. */
  readonly tokens: readonly Uint8Array[]
  /** Valid inputs to start from; the files of the corpus come on top. */
  readonly seeds: readonly Uint8Array[]
  /** An input by the grammar, mostly valid. */
  readonly generate: (random: Random) => Uint8Array
  /**
   * Throws when what was attacked did not hold. True = the input was accepted. A `thorough` run does all there is to do with what was accepted;
   * else a part of it, chosen by the input.
   */
  run(input: Uint8Array, thorough: boolean): boolean | Promise<boolean>
  close?(): Promise<void>
}

/** A target is loaded when it is needed: some start a server. */
export async function openTarget(name: TargetName): Promise<Target> {
  switch (name) {
    case 'wire':
      return (await import('./wire.ts')).wireTarget()
    case 'json':
      return (await import('./json.ts')).jsonTarget()
    case 'config':
      return (await import('./config.ts')).configTarget()
    case 'grpc':
      return (await import('./grpc.ts')).grpcTarget()
    case 'http':
      return (await import('./http.ts')).httpTarget()
    case 'compression':
      return (await import('./compression.ts')).compressionTarget()
  }
}

const encoder = new TextEncoder()
export const bytesOf = (text: string): Uint8Array => encoder.encode(text)

/** FNV-1a: which part of a run an input gets. */
export function hashOf(input: Uint8Array): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < input.length; i++) hash = Math.imul(hash ^ input[i]!, 0x01000193)
  return hash >>> 0
}

/** Throws when what must hold does not. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}
