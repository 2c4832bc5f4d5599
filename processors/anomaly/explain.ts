/** Why an entity is strange, in the units of its features. */
import type { ColumnVerdict } from '../../models/ensemble.ts'
import type { Member } from './entities.ts'
import { featurePlaces } from './score-names.ts'
import type { Verdicts } from './verdicts.ts'

/** A feature with less of the strangeness than this explains nothing. */
const leastShare = 0.01

export function explain(
  found: readonly ColumnVerdict[],
  member: Member,
  values: Float64Array,
  offset: number,
  most: number,
  seenShare: number,
  verdicts: Verdicts,
): void {
  const { columns } = member.class
  for (const { column, contribution, lower, upper } of found.slice(0, most)) {
    const judged = columns[column]
    const at = judged === undefined ? undefined : featurePlaces(judged.key)
    if (judged === undefined || at === undefined || contribution < leastShare) continue
    verdicts.add(member, at.contribution, contribution)
    // What was judged as seen is told as what it stands for.
    const scale = judged.key.name === 'vigil.request.rate' ? 1 / seenShare : 1
    verdicts.add(member, at.observed, (values[offset + column] as number) * scale)
    if (!Number.isNaN(lower)) {
      verdicts.add(member, at.lower, lower * scale)
      verdicts.add(member, at.upper, upper * scale)
    }
    const samples = judged.support < 0 ? Number.NaN : (values[offset + judged.support] as number)
    if (!Number.isNaN(samples)) verdicts.add(member, at.samples, samples)
  }
}
