/** What an entity uses, by its own readings and by those of the entities that are pooled into it. */
import type { FeatureName } from '../../pipeline/vocabulary/features.ts'
import { paneMs, type ReadingColumn, ringOf, windowCount, windowPanes } from './columns.ts'
import type { FeatureEntity } from './entity.ts'
import { groupBits } from './groups.ts'
import { newPooled, type Pooled } from './pooled.ts'
import { seriesCount } from './readings.ts'
import type { Rows } from './rows.ts'
import { placeOf } from './series-ids.ts'
import { HeldReadings, Span, sumWindows } from './windows.ts'

type Parents = readonly FeatureEntity[]

export class Resources {
  private readonly rows: Rows
  private readonly held = new HeldReadings()
  private readonly limits = new HeldReadings()
  private readonly pooled = new Map<FeatureEntity, Pooled>()
  private readonly a = new Float64Array(windowCount)
  private readonly b = new Float64Array(windowCount)
  private readonly c = new Float64Array(windowCount)
  private readonly d = new Float64Array(windowCount)
  private span = new Span(0)

  constructor(rows: Rows) {
    this.rows = rows
  }

  begin(span: Span): void {
    this.span = span
    this.pooled.clear()
  }

  /** After all that are pooled into it. */
  entity(of: FeatureEntity): void {
    const { rows } = this
    const pooled = this.pooled.get(of)
    const { parents } = of
    rows.group(groupBits.resources)
    this.cpu(of, pooled, parents)
    this.memory(of, pooled, parents)
    this.rate(of, 'diskBytes', 'vigil.disk.io', pooled?.disk, parents, (to) => to.disk)
    this.rate(of, 'networkBytes', 'vigil.network.io', pooled?.network, parents, (to) => to.network)
    this.pool(of, pooled, parents)
    this.cache(of, pooled, parents)
    this.rate(of, 'queueLag', 'vigil.queue.lag', pooled?.lag, parents, (to) => to.lag)
    this.restarts(of, pooled, parents)
    rows.group(groupBits.dependencies)
    if (of.rank === 'edge') this.dependency(of, parents)
    if (pooled?.dependencies !== undefined) rows.windows(placeOf['vigil.dependency.count'], pooled.dependencies)
  }

  /** Mean over instances and panes. What says more of the limit has precedence: a share, then cores of a limit, then cores of one. */
  private cpu(of: FeatureEntity, pooled: Pooled | undefined, parents: Parents): void {
    const { a, b, rows } = this
    let rank = 0
    if (this.mean(of, 'cpuShare', a, b, false)) rank = 4
    else if (this.ratio(of, 'cpuSeconds', 'cpuAllSeconds', a, b)) rank = 3
    else if (this.ratio(of, 'cpuCores', 'cpuLimit', a, b) || this.ratio(of, 'cpuSeconds', 'cpuLimit', a, b)) rank = 2
    else if (this.mean(of, 'cpuSeconds', a, b, true)) rank = 1
    if (pooled !== undefined && pooled.cpuRank > rank) {
      rank = pooled.cpuRank
      for (let w = 0; w < windowCount; w++) {
        b[w] = pooled.cpuPanes[w]!
        a[w] = b[w]! > 0 ? pooled.cpuSum[w]! / b[w]! : Number.NaN
      }
    }
    if (rank === 0) return
    rows.windows(placeOf['vigil.cpu.utilization'], a)
    for (const parent of parents) {
      const to = this.poolOf(parent)
      if (rank < to.cpuRank) continue
      if (rank > to.cpuRank) {
        to.cpuRank = rank
        to.cpuSum.fill(0)
        to.cpuPanes.fill(0)
      }
      for (let w = 0; w < windowCount; w++) {
        if (!(b[w]! > 0)) continue
        to.cpuSum[w] = to.cpuSum[w]! + a[w]! * b[w]!
        to.cpuPanes[w] = to.cpuPanes[w]! + b[w]!
      }
    }
  }

  /**
   * The instance that is fullest, and the one that grows fastest: a leak is one process's. What it holds now says so earlier than the mean of a minute, so that
   * is what the shortest window has.
   */
  private memory(of: FeatureEntity, pooled: Pooled | undefined, parents: Parents): void {
    const { a, b, c, d, held, rows } = this
    let rank = 0
    let newest = Number.NaN
    if (this.mean(of, 'memoryShare', a, b, false)) {
      rank = 3
      this.growth(of, 'memoryShare', c)
      newest = held.newest(seriesCount(of, ringOf.memoryShare))
    } else if (this.ratio(of, 'memoryUsed', 'memoryLimit', a, b)) {
      rank = 2
      this.mean(of, 'memoryUsed', d, b, true)
      this.growth(of, 'memoryUsed', c)
      const series = seriesCount(of, ringOf.memoryUsed)
      newest = (held.newest(series) * series * a[0]!) / d[0]!
      for (let w = 0; w < windowCount; w++) c[w] = (c[w]! * series * a[w]!) / d[w]!
    } else if (this.mean(of, 'memoryUsed', d, b, false)) {
      // Without a limit there is no share, but growth is growth: of what is used on average.
      rank = 1
      this.growth(of, 'memoryUsed', c)
      for (let w = 0; w < windowCount; w++) c[w] = c[w]! / d[w]!
      a.fill(Number.NaN)
    }
    if (!Number.isNaN(newest)) a[0] = newest
    if (pooled !== undefined && pooled.memoryRank > rank) {
      rank = pooled.memoryRank
      a.set(pooled.memory)
      c.set(pooled.slope)
    }
    if (rank === 0) return
    rows.windows(placeOf['vigil.memory.utilization'], a)
    rows.windows(placeOf['vigil.memory.slope'], c)
    for (const parent of parents) {
      const to = this.poolOf(parent)
      if (rank < to.memoryRank) continue
      if (rank > to.memoryRank) {
        to.memoryRank = rank
        to.memory.fill(Number.NaN)
        to.slope.fill(Number.NaN)
      }
      raise(to.memory, a)
      raise(to.slope, c)
    }
  }

  /** Of what `held` was filled with last. A minute says nothing of growth: one garbage collection is more. */
  private growth(of: FeatureEntity, column: ReadingColumn, out: Float64Array): void {
    const { held } = this
    held.slopes(out)
    out[0] = Number.NaN
    out[1] = held.robustSlope(seriesCount(of, ringOf[column]))
  }

  /** What is summed over its series and its members. */
  private rate(
    of: FeatureEntity,
    column: ReadingColumn,
    feature: FeatureName,
    pooled: Float64Array | undefined,
    parents: Parents,
    into: (pooled: Pooled) => Float64Array,
  ): void {
    const { a, b } = this
    const isOwn = this.mean(of, column, a, b, true)
    if (!isOwn) {
      if (pooled === undefined || Number.isNaN(pooled[windowCount - 1]!)) return
      a.set(pooled)
    }
    this.rows.windows(placeOf[feature], a)
    for (const parent of parents) add(into(this.poolOf(parent)), a)
  }

  /** Of several pools the fullest; those who wait are added up. */
  private pool(of: FeatureEntity, pooled: Pooled | undefined, parents: Parents): void {
    const { a, b, rows } = this
    let isKnown = this.ratio(of, 'poolUsed', 'poolLimit', a, b)
    if (!isKnown && pooled !== undefined && !Number.isNaN(pooled.pool[windowCount - 1]!)) {
      isKnown = true
      a.set(pooled.pool)
    }
    if (isKnown) {
      rows.windows(placeOf['vigil.pool.usage'], a)
      for (const parent of parents) if (of.rank === 'part') raise(this.poolOf(parent).pool, a)
    }
    const share = of.rank === 'part' ? parents : []
    this.rate(of, 'poolWaiting', 'vigil.pool.waiting', pooled?.waiting, share, (to) => to.waiting)
  }

  private cache(of: FeatureEntity, pooled: Pooled | undefined, parents: Parents): void {
    const { a, b, c, d, rows } = this
    const hasHits = this.mean(of, 'cacheHits', a, d, true)
    const hasMisses = this.mean(of, 'cacheMisses', b, d, true)
    if (!hasHits && !hasMisses) {
      if (pooled === undefined || Number.isNaN(pooled.lookups[windowCount - 1]!)) return
      a.set(pooled.hits)
      c.set(pooled.lookups)
    } else {
      for (let w = 0; w < windowCount; w++) {
        a[w] = hasHits && a[w]! > 0 ? a[w]! * windowPanes[w]! * (paneMs / 1_000) : 0
        c[w] = a[w]! + (hasMisses && b[w]! > 0 ? b[w]! * windowPanes[w]! * (paneMs / 1_000) : 0)
      }
      for (const parent of parents) {
        const to = this.poolOf(parent)
        add(to.hits, a)
        add(to.lookups, c)
      }
    }
    rows.windows(placeOf['vigil.cache.hits'], a)
    rows.windows(placeOf['vigil.cache.lookups'], c)
    for (let w = 0; w < windowCount; w++) b[w] = c[w]! > 0 ? Math.min(1, a[w]! / c[w]!) : Number.NaN
    rows.windows(placeOf['vigil.cache.hit_ratio'], b)
  }

  private restarts(of: FeatureEntity, pooled: Pooled | undefined, parents: Parents): void {
    const { a } = this
    const own = of.rings[ringOf.restarts]
    if (own !== undefined) sumWindows(own, this.span, a)
    else if (pooled !== undefined && !Number.isNaN(pooled.restarts[0]!)) a.set(pooled.restarts)
    else return
    this.rows.windows(placeOf['vigil.restarts'], a)
    for (const parent of parents) add(this.poolOf(parent).restarts, a)
  }

  /** An edge says that its caller had one dependency more in the windows in which it called. */
  private dependency(of: FeatureEntity, parents: Parents): void {
    const requests = of.rings[ringOf.requests]
    if (requests === undefined) return
    sumWindows(requests, this.span, this.a)
    for (const parent of parents) {
      const to = this.poolOf(parent)
      to.dependencies ??= new Float64Array(windowCount)
      for (let w = 0; w < windowCount; w++) if (this.a[w]! > 0) to.dependencies[w] = to.dependencies[w]! + 1
    }
  }

  private poolOf(parent: FeatureEntity): Pooled {
    let pooled = this.pooled.get(parent)
    if (pooled === undefined) {
      pooled = newPooled()
      this.pooled.set(parent, pooled)
    }
    return pooled
  }

  /** Mean of a pane, by window, and how many panes it is the mean of; of the sum over all series where `isSum`. False where no window has any. */
  private mean(
    of: FeatureEntity,
    column: ReadingColumn,
    out: Float64Array,
    panes: Float64Array,
    isSum: boolean,
  ): boolean {
    const at = ringOf[column]
    const sums = of.rings[at]
    if (sums === undefined) return false
    const { held } = this
    held.fill(sums, of.rings[at + 1]!, this.span)
    held.add(out, panes, isSum ? seriesCount(of, at) : 1)
    for (let w = 0; w < windowCount; w++) out[w] = panes[w]! > 0 ? out[w]! / panes[w]! : Number.NaN
    return panes[windowCount - 1]! > 0
  }

  private ratio(
    of: FeatureEntity,
    column: ReadingColumn,
    limit: ReadingColumn,
    out: Float64Array,
    panes: Float64Array,
  ): boolean {
    const at = ringOf[limit]
    const sums = of.rings[at]
    if (sums === undefined || of.rings[ringOf[column]] === undefined) return false
    const { limits, d } = this
    limits.fill(sums, of.rings[at + 1]!, this.span)
    limits.add(d, panes, seriesCount(of, at))
    // A limit changes seldom and may be told seldom: the longest window's stands for those that have none.
    const usual = panes[windowCount - 1]! > 0 ? d[windowCount - 1]! / panes[windowCount - 1]! : Number.NaN
    for (let w = 0; w < windowCount; w++) d[w] = panes[w]! > 0 ? d[w]! / panes[w]! : usual
    if (!(usual > 0) || !this.mean(of, column, out, panes, true)) return false
    for (let w = 0; w < windowCount; w++) out[w] = d[w]! > 0 ? out[w]! / d[w]! : Number.NaN
    return true
  }
}

function add(to: Float64Array, values: Float64Array): void {
  for (let w = 0; w < windowCount; w++) {
    const value = values[w]!
    if (!Number.isNaN(value)) to[w] = Number.isNaN(to[w]!) ? value : to[w]! + value
  }
}

function raise(to: Float64Array, values: Float64Array): void {
  for (let w = 0; w < windowCount; w++) {
    const value = values[w]!
    if (!Number.isNaN(value) && !(to[w]! >= value)) to[w] = value
  }
}
