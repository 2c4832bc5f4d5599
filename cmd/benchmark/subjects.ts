/** Who is measured: the baselines, and Vigil itself where a configuration of it is under test. */
import { baselines } from './baselines/baselines.ts'
import type { Subject } from './subject.ts'
import { vigil } from './vigil.ts'

export function subjectsOf(config: string | undefined): readonly Subject[] {
  return config === undefined ? baselines : [...baselines, ...vigil]
}
