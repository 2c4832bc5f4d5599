/** Simple answers to "what is it?". What is measured must beat them. */
import type { Incident, Known } from '../subject.ts'

/** Whoever has the highest score. */
export function highestScore({ alerts }: Incident): readonly string[] {
  const highest = new Map<string, number>()
  for (const { entity, score } of alerts) highest.set(entity, Math.max(score, highest.get(entity) ?? 0))
  return falling(highest)
}

/** Whoever has most alerts. */
export function mostAlerts({ alerts }: Incident): readonly string[] {
  const counts = new Map<string, number>()
  for (const { entity } of alerts) counts.set(entity, (counts.get(entity) ?? 0) + 1)
  return falling(counts)
}

/** Whoever was deployed last. */
export function latestDeploy(_: Incident, { events }: Known): readonly string[] {
  const deployed = events.filter(({ name, entity }) => name === 'deploy' && entity !== '').map(({ entity }) => entity)
  return [...new Set(deployed.toReversed())]
}

/** Anybody. */
export function anybody(_: Incident, { entities, random }: Known): readonly string[] {
  const mixed = [...entities]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const entity = mixed[i]!
    mixed[i] = mixed[j]!
    mixed[j] = entity
  }
  return mixed
}

function falling(scores: ReadonlyMap<string, number>): readonly string[] {
  return [...scores].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([entity]) => entity)
}
