/** What `vigil evaluate` knows: how the predictions of a kind of data set are scored against its labels, and the table of kinds. */
import type { Progress } from '../predict/dataset.ts'
import { loghub } from './loghub.ts'
import { machineEvaluations } from './machines.ts'
import { nabEvaluation } from './nab.ts'
import type { Plot } from './plot.ts'
import { rootCauseEvaluations } from './root-cause.ts'

/** Shown as text, JSON and HTML. Numbers stay numbers: the writer rounds them. */
export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  /** As long as `columns`; null where there is nothing to say. */
  readonly rows: readonly (readonly (string | number | null)[])[]
  /** What a reader must know to judge the numbers: sources, definitions. */
  readonly notes: readonly string[]
  /** Shown in HTML only. */
  readonly plots?: readonly Plot[]
}

export interface Evaluation {
  readonly kind: string
  /** `predictions` are the parsed lines of the file. Throws an `Error` that names what is missing or does not fit. */
  evaluate(predictions: AsyncIterable<unknown>, labelsDir: string, progress: Progress): Promise<readonly Table[]>
}

export const evaluations: readonly Evaluation[] = [
  ...machineEvaluations,
  nabEvaluation,
  loghub,
  ...rootCauseEvaluations,
]
