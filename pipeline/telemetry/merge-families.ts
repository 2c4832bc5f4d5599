import type { FamilySnapshot, SeriesSnapshot } from './registry.ts'

/** A family as another thread tells it: without the identities, which do not travel. */
export type PlainFamily = Omit<FamilySnapshot, 'series'> & {
  readonly series: readonly Omit<SeriesSnapshot, 'identity'>[]
}

export function withoutIdentities(families: readonly FamilySnapshot[]): readonly PlainFamily[] {
  const plain = ({ labels, attributes, startUnixNano, value, sum, buckets }: SeriesSnapshot) => {
    return { labels, attributes, startUnixNano, value, sum, buckets }
  }
  return families.map((family) => ({ ...family, series: family.series.map(plain) }))
}

/** What is one for the whole process, however many threads tell it. */
const ofProcess = /^otelcol_process_/
/** Where the worst of all threads counts, not their sum. */
const worst = new Set(['vigil_event_loop_delay_seconds'])

/** The metrics of other threads, added up with our own. Each thread's last word counts. */
export class IncludedFamilies {
  readonly #sources = new Map<string, readonly PlainFamily[]>()
  readonly #identities = new Map<string, object>()

  set(source: string, families: readonly PlainFamily[]): void {
    this.#sources.set(source, families)
  }

  mergeWith(own: readonly FamilySnapshot[]): readonly FamilySnapshot[] {
    if (this.#sources.size === 0) return own
    const merged = new Map(own.map((family) => [family.name, { family, series: keyed(family) }]))
    for (const families of this.#sources.values()) {
      for (const family of families) {
        if (ofProcess.test(family.name)) continue
        const into = merged.get(family.name) ?? { family: { ...family, series: [] }, series: new Map() }
        merged.set(family.name, into)
        for (const one of family.series) {
          const key = JSON.stringify(one.labels)
          into.series.set(key, this.#add(family.name, key, into.series.get(key), one))
        }
      }
    }
    return [...merged.values()]
      .map(({ family, series }) => ({ ...family, series: [...series.values()] }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #add(
    name: string,
    key: string,
    before: SeriesSnapshot | undefined,
    one: Omit<SeriesSnapshot, 'identity'>,
  ): SeriesSnapshot {
    if (before === undefined) return { ...one, identity: this.#identityOf(`${name} ${key}`) }
    if (worst.has(name)) return { ...before, value: Math.max(before.value, one.value) }
    return {
      ...before,
      value: before.value + one.value,
      sum: before.sum + one.sum,
      buckets: before.buckets.map((count, i) => count + (one.buckets[i] ?? 0)),
    }
  }

  /** Bounded as the series themselves are. */
  #identityOf(key: string): object {
    let identity = this.#identities.get(key)
    if (identity === undefined) {
      identity = {}
      this.#identities.set(key, identity)
    }
    return identity
  }
}

function keyed(family: FamilySnapshot): Map<string, SeriesSnapshot> {
  return new Map(family.series.map((one) => [JSON.stringify(one.labels), one]))
}
