/** The data sets that `vigil predict` reads: what each kind must say, and the table of them. */
import { loghub } from './loghub.ts'
import { machineKinds } from './machines.ts'
import { nab } from './nab.ts'
import { nezha } from './nezha.ts'
import { petshop } from './petshop.ts'
import { sockshop } from './sockshop.ts'

/** Cases or rows done, of how many; `of` is 0 while nobody knows. */
export type Progress = (done: number, of: number) => void

/** Writes one line of the output, in the order of the calls; wait for it, so that a slow disk holds the reader back. */
export type EmitLine = (line: object) => Promise<void> | undefined

export interface Dataset {
  /** As on the command line. */
  readonly kind: string
  /** The layout of DIR, for the help text. */
  readonly layout: string
  /** Feeds what lies in `dir` to the very component code, in time order. Throws an `Error` that names the file where the layout is wrong. */
  predict(dir: string, emit: EmitLine, progress: Progress): Promise<void>
}

export const datasets: readonly Dataset[] = [...machineKinds, nab, loghub, petshop, sockshop, nezha]
