/** How far features can be relied on: how much of the telemetry was there, and how old the last of it is. */
import { heardSignals, paneMs, signalBits, windowCount } from './columns.ts'
import type { FeatureEntity } from './entity.ts'
import type { Rows } from './rows.ts'
import { markPlaces } from './series-ids.ts'
import { heardLast, heardShares, Span } from './windows.ts'

/** How old a version may be to be news. */
const newVersionMs = 3_600_000
/** Versions that were seen while a service was new are not new themselves. */
const firstVersionsMs = 120_000

export class Quality {
  private readonly rows: Rows
  private readonly shares = new Map<FeatureEntity, readonly (Float64Array | undefined)[]>()
  private readonly a = new Float64Array(windowCount)
  private span = new Span(0)

  constructor(rows: Rows) {
    this.rows = rows
  }

  begin(span: Span): void {
    this.span = span
    this.shares.clear()
  }

  entity(of: FeatureEntity, isCorrection: boolean): void {
    const { rows, a } = this
    const { end } = this.span
    const shares = this.sharesOf(of.heardOf ?? of)
    let count = 0
    a.fill(0)
    for (let s = 0; s < heardSignals.length; s++) {
      const share = shares[s]
      if (share === undefined || (of.signals & signalBits[heardSignals[s]!]) === 0) continue
      count++
      for (let w = 0; w < windowCount; w++) a[w] = a[w]! + share[w]!
    }
    if (count > 0) {
      for (let w = 0; w < windowCount; w++) a[w] = a[w]! / count
      rows.windows(markPlaces.completeness, a)
    }
    if (isCorrection || (of.rank !== 'service' && of.rank !== 'node')) return
    const nowMs = end * paneMs
    for (let s = 0; s < heardSignals.length; s++) {
      const pane = heardLast(of, s, this.span)
      if (pane > 0) rows.one(markPlaces.signalAge + s, ((end - pane) * paneMs) / 1_000)
    }
    if (of.versions === undefined || of.versions.size < 2) return
    const [first = 0, ...others] = of.versions.values()
    let newest = 0
    for (const at of others) if (at > newest && at > first + firstVersionsMs && at <= nowMs) newest = at
    if (newest > 0 && nowMs - newest <= newVersionMs) rows.one(markPlaces.versionAge, (nowMs - newest) / 1_000)
  }

  /** By signal, then by window. */
  private sharesOf(of: FeatureEntity): readonly (Float64Array | undefined)[] {
    let shares = this.shares.get(of)
    if (shares === undefined) {
      const { heard } = of
      shares = heardSignals.map((signal) => {
        const bit = signalBits[signal]
        if (heard === undefined || (of.signals & bit) === 0) return undefined
        const out = new Float64Array(windowCount)
        heardShares(heard, bit, of.firstPane, this.span, out)
        return out
      })
      this.shares.set(of, shares)
    }
    return shares
  }
}
