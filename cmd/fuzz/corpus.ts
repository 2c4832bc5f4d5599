/** Inputs that once meant something: seeds, and every find. `npm test` runs them again. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TargetName } from './target.ts'

export const corpusFolder: string = join(import.meta.dirname, 'corpus')
/** More than this is no small input any more. */
const maxFileBytes = 65_536

export interface CorpusFile {
  readonly name: string
  readonly input: Uint8Array
}

export function readCorpus(target: TargetName, folder: string = corpusFolder): readonly CorpusFile[] {
  let names: string[]
  try {
    names = readdirSync(join(folder, target)).sort()
  } catch {
    return []
  }
  return names.map((name) => ({ name, input: Uint8Array.from(readFileSync(join(folder, target, name))) }))
}

/** Answers the path of the file. `seed` is that of the run, so that the find can be found again. */
export function saveFind(target: TargetName, seed: number, input: Uint8Array, folder: string = corpusFolder): string {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 16)
  const path = join(folder, target, `find-${seed}-${hash}.bin`)
  mkdirSync(join(folder, target), { recursive: true })
  writeFileSync(path, input.subarray(0, maxFileBytes))
  return path
}
