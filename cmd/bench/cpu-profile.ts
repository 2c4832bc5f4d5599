/** Reads what `node --cpu-prof` writes: where the time went, by function. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds between a sample and the one before. */
  readonly timeDeltas: readonly number[]
}
interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}
export interface SelfTime {
  readonly where: string
  readonly ms: number
  /** Of the time that was not idle. */
  readonly share: number
}

export function topSelfTimes(profile: CpuProfile, count: number): readonly SelfTime[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  for (const [i, id] of profile.samples.entries()) {
    const where = names.get(id) ?? '(unknown)'
    times.set(where, (times.get(where) ?? 0) + (profile.timeDeltas[i] ?? 0) / 1_000)
  }
  times.delete('(idle)')
  const total = times.values().reduce((sum, ms) => sum + ms, 0)
  return [...times]
    .map(([where, ms]) => ({ where, ms, share: ms / total }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, count)
}

function nameOf({ functionName, url, lineNumber }: ProfileNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const file = url.replace(/^file:\/\//, '').replace(`${process.cwd()}/`, '')
  return `${name} ${file}:${lineNumber + 1}`
}
