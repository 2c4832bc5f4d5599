/** How well a score ranks labelled rows above the others, at every threshold at once. Labels are 0 or 1; a higher score is stranger. */

/**
 * Average precision, sum of (R_n - R_n-1) P_n over the distinct scores: scikit-learn's `average_precision_score`, ties taken together.
 * Gives NaN where no row is labelled. O(n log n).
 */
export function averagePrecision(labels: Uint8Array, scores: Float64Array): number {
  const order = descending(scores)
  let positives = 0
  for (const label of labels) positives += label
  let hits = 0
  let sum = 0
  let before = 0
  for (let i = 0; i < order.length; i++) {
    hits += labels[order[i] as number] as number
    if (i + 1 < order.length && scores[order[i] as number] === scores[order[i + 1] as number]) continue
    sum += ((hits - before) / positives) * (hits / (i + 1))
    before = hits
  }
  return positives === 0 ? Number.NaN : sum
}

function descending(scores: Float64Array): Uint32Array {
  return new Uint32Array(scores.length).map((_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number))
}

export interface Span {
  /** Rows, both inclusive. */
  readonly from: number
  readonly to: number
}

/** Maximal runs of 1. */
export function spansOf(flags: Uint8Array): readonly Span[] {
  const spans: Span[] = []
  let from = -1
  for (let i = 0; i <= flags.length; i++) {
    if (flags[i] === 1) from = from < 0 ? i : from
    else if (from >= 0) {
      spans.push({ from, to: i - 1 })
      from = -1
    }
  }
  return spans
}

/** VUS-PR is averaged over buffers of 0 to this many rows at most. */
const mostBuffer = 100
const thresholds = 250

/**
 * Volume under the precision-recall surface (Paparrizos et al. 2022): each labelled span gets a buffer of 0 to `buffer` rows in all with a
 * falling square-root label; the soft areas are averaged. Computed as TSB-AD's `RangeAUC_volume_opt` does, with its 250 thresholds and its rule that recall
 * counts as (labelled + extended) / 2 rows. Gives NaN where no row is labelled. O(buffer * (n + 250 * labelled rows)).
 */
export function vusPr(labels: Uint8Array, scores: Float64Array, buffer: number): number {
  const spans = spansOf(labels)
  if (spans.length === 0) return Number.NaN
  const n = scores.length
  const rank = ranks(scores)
  const cuts = Array.from({ length: thresholds }, (_, i) => Math.floor((i * (n - 1)) / (thresholds - 1)))
  // A cut takes every row at least as high as the row in its place, ties included.
  const predicted = cuts.map((cut) => rank.upTo[rank.order[cut] as number] as number)
  const positives = spans.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  const widest = merged(spans, buffer, n)
  let volume = 0
  for (let width = 0; width <= buffer; width++) volume += areaAt(width)
  return volume / (buffer + 1)

  function areaAt(width: number): number {
    const soft = extended(spans, width, n)
    const segments = merged(spans, width, n)
    // What a row adds to the true positives and to the labels once its score is above the cut, by cut.
    const hitsAt = new Float64Array(thresholds + 1)
    const labelsAt = new Float64Array(thresholds + 1)
    let always = 0
    for (const { from, to } of widest) {
      for (let i = from; i <= to; i++) {
        const at = firstCut(predicted, rank.upTo[i] as number)
        const value = soft[i] as number
        hitsAt[at] = (hitsAt[at] as number) + value
        if (labels[i] === 1) always++
        // Rows of the buffer beyond this width's own segments are never masked by the prediction, and are 0 there.
        else labelsAt[at] = (labelsAt[at] as number) + value
      }
    }
    const found = new Float64Array(thresholds + 1)
    for (const { from, to } of segments) {
      let first: number = thresholds
      for (let i = from; i <= to; i++) first = Math.min(first, firstCut(predicted, rank.upTo[i] as number))
      found[first] = (found[first] as number) + 1
    }
    let [hits, soften, existing, area, before] = [0, 0, 0, 0, 0]
    for (let k = 0; k < thresholds; k++) {
      hits += hitsAt[k] as number
      soften += labelsAt[k] as number
      existing += found[k] as number
      const recall = Math.min(1, hits / ((positives + always + soften) / 2)) * (existing / segments.length)
      area += (recall - before) * (hits / (predicted[k] as number))
      before = recall
    }
    return area
  }
}

/** For each row, how many rows score at least as high. */
function ranks(scores: Float64Array): { readonly order: Uint32Array; readonly upTo: Uint32Array } {
  const order = descending(scores)
  const upTo = new Uint32Array(scores.length)
  let last = order.length
  for (let i = order.length - 1; i >= 0; i--) {
    const row = order[i] as number
    if (i + 1 < order.length && scores[order[i + 1] as number] !== scores[row]) last = i + 1
    upTo[row] = last
  }
  return { order, upTo }
}

function firstCut(predicted: readonly number[], upTo: number): number {
  let [low, high] = [0, predicted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((predicted[middle] as number) >= upTo) high = middle
    else low = middle + 1
  }
  return low
}

function extended(spans: readonly Span[], width: number, n: number): Float64Array {
  const soft = new Float64Array(n)
  const half = Math.floor(width / 2)
  for (const { from, to } of spans) {
    for (let i = from; i <= to; i++) soft[i] = 1
    for (let d = 1; d <= half; d++) {
      const value = Math.sqrt(1 - d / width)
      if (to + d < n) soft[to + d] = Math.min(1, (soft[to + d] as number) + value)
      if (from - d >= 0) soft[from - d] = Math.min(1, (soft[from - d] as number) + value)
    }
  }
  return soft
}

/** The spans with half a width on either side; those that touch become one. */
function merged(spans: readonly Span[], width: number, n: number): readonly Span[] {
  const half = Math.floor(width / 2)
  const wide: Span[] = []
  let from = -1
  for (const [i, span] of spans.entries()) {
    if (from < 0) from = Math.max(0, span.from - half)
    const next = spans[i + 1]
    if (next !== undefined && span.to + half >= next.from - half) continue
    wide.push({ from, to: Math.min(n - 1, span.to + half) })
    from = -1
  }
  return wide
}

/** The lag of the highest autocorrelation after it first fell below 0: the period of a seasonal series; 100 at most, and 100 where none shows. */
export function vusBuffer(series: Float64Array): number {
  const n = Math.min(series.length, 20_000)
  let mean = 0
  for (let i = 0; i < n; i++) mean += (series[i] as number) / n
  let best = 0
  let at = mostBuffer
  let hasFallen = false
  for (let lag = 1; lag <= mostBuffer && lag < n; lag++) {
    let sum = 0
    for (let i = lag; i < n; i++) sum += ((series[i] as number) - mean) * ((series[i - lag] as number) - mean)
    if (sum < 0) hasFallen = true
    if (hasFallen && sum > best) {
      best = sum
      at = lag
    }
  }
  return at
}
