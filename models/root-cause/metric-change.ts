/**
 * Whether a figure changed at an onset that may be stated early or late, how surprising that is, how large, and when. In the spirit of BARO's RobustScorer
 * (Pham et al. 2024: median and IQR of the normal part, largest deviation after), with the noise's own memory, floors, heavy tails and dates added.
 */
import { quantileOfSorted, sortedFinite, spreadOf } from '../order-statistics.ts'
import { twoSidedSurprise } from '../special-functions.ts'
import { mostSurprise } from './likelihood.ts'

export interface MetricChangeOptions {
  /** s, how far the stated onset may be off either way. */
  readonly onsetUncertainty: number
  /** s after the onset that are looked at. */
  readonly horizon: number
  /** Smallest change that means anything, in the figure's unit; 0 where the unit is unknown. */
  readonly floor: number
  /** The same, as a part of the usual level. */
  readonly relativeFloor: number
  /** Observations behind a value, where it is the mean of few; Infinity where it is none. */
  readonly samples: number
  /** Relative scatter that is assumed where there is no quiet time to take it from. */
  readonly assumedScatter: number
}

const metricChangeDefaults: MetricChangeOptions = {
  onsetUncertainty: 60,
  horizon: 1_800,
  floor: 0,
  relativeFloor: 0.01,
  samples: Number.POSITIVE_INFINITY,
  assumedScatter: 0.25,
}

export interface MetricSeries {
  /** s, ascending: where what each value covers begins. */
  readonly times: Float64Array
  /** NaN where missing. */
  readonly values: Float64Array
  /** s that a value covers. */
  readonly step: number
  /** Values of a quiet time, at the same steps and in order, which need not be near; NaN where missing. */
  readonly reference?: Float64Array
}

export interface MetricChange {
  /** -ln p, after as many looks as were taken. */
  readonly surprise: number
  readonly direction: -1 | 0 | 1
  /** |ln(after / before)|, with the floor or the scatter added to both. */
  readonly effect: number
  /** In the figure's unit. */
  readonly before: number
  readonly after: number
  /** s; NaN where it cannot be dated. */
  readonly since: number
  readonly sinceUncertainty: number
}

/** How a figure is when nothing is the matter. */
interface Usual {
  readonly level: number
  readonly up: number
  readonly down: number
  /** Independent looks that stand behind it. */
  readonly count: number
}

/** Fewer rows before the onset do not tell the scatter. */
const enoughRows = 8
/** Parts that the time before is cut into at least, however long the noise's memory. */
const leastBlocks = 8
/** Degrees of freedom of the t tail: a larger sample is no better known than that, since tomorrow is another day. */
const mostFreedom = 12
const clip = 6

/** Undefined where there are no values before the onset, or none after. O(n log n). */
export function metricChange(
  { times, values, step, reference }: MetricSeries,
  onset: number,
  options: Partial<MetricChangeOptions> = {},
): MetricChange | undefined {
  const settings = { ...metricChangeDefaults, ...options }
  const { onsetUncertainty, horizon } = settings
  const before = values.filter((value, i) => !Number.isNaN(value) && times[i]! + step <= onset - onsetUncertainty)
  const from = times.findIndex((time) => time + step > onset - onsetUncertainty)
  const until = times.findLastIndex((time) => time <= onset + horizon)
  if (from < 0 || until < from) return undefined
  const after = values.subarray(from, until + 1)
  const quiet = reference === undefined ? new Float64Array(0) : reference.filter((value) => !Number.isNaN(value))
  const sample = before.length >= enoughRows ? before : quiet.length >= enoughRows ? quiet : before
  if (sample.length === 0) return undefined
  const length = blockLength(sample)
  const usual = usualOf(sample, length, settings)
  // A level that moved long before the onset is no news; neither is one that only differs from the last few rows.
  const recent = sample === before || before.length === 0 ? undefined : near(before, usual, settings)
  const found = strongest(after, length, (value) => deviation(value, usual, recent))
  if (found === undefined) return undefined
  const looks = Math.max(1, Math.round(after.length / length))
  const freedom = Math.max(1, Math.min(mostFreedom, Math.max(2, usual.count - 1), settings.samples - 1))
  const surprise = tail(found.z, freedom, looks)
  const base = recent ?? usual
  const floor = Math.max(settings.floor, Math.min(base.up, base.down))
  const effect = Math.abs(Math.log((Math.abs(found.value) + floor) / (Math.abs(base.level) + floor)))
  const dated = date(times, values, base, from, until)
  return {
    surprise,
    direction: surprise === 0 ? 0 : found.z > 0 ? 1 : -1,
    effect,
    before: base.level,
    after: found.value,
    since: dated === undefined ? Number.NaN : (times[dated.row] as number),
    sinceUncertainty: dated === undefined ? Number.NaN : step * Math.max(1, length / 2, dated.rows),
  }
}

/** Rows after which noise has forgotten itself, by its lag-1 autocorrelation; no more than leaves enough blocks. */
function blockLength(sample: Float64Array): number {
  const { median, mad, sd } = spreadOf(sample)
  const scale = Math.max(mad, 0.25 * sd)
  if (scale === 0) return 1
  let [product, square] = [0, 0]
  let last = Number.NaN
  for (const value of sample) {
    const z = Math.max(-clip, Math.min(clip, (value - median) / scale))
    if (!Number.isNaN(last)) product += z * last
    square += z * z
    last = z
  }
  const rho = Math.max(0, Math.min(0.98, product / square))
  const forgets = Math.ceil((1 + rho) / (1 - rho))
  return Math.max(1, Math.min(forgets, Math.floor(sample.length / leastBlocks)))
}

function usualOf(sample: Float64Array, length: number, settings: MetricChangeOptions): Usual {
  const means = blockMeans(sample, length)
  const { median, mad, sd } = spreadOf(means)
  const sorted = sortedFinite(means)
  const n = sorted.length
  // Durations scatter about as much as they last: a mean of n is off by 1 / sqrt(n).
  const relative = Math.max(settings.relativeFloor, 1 / Math.sqrt(settings.samples))
  const floor = Math.max(settings.floor, relative * Math.abs(median), 1e-12)
  if (n < leastBlocks / 2) {
    const assumed = Math.max(floor, settings.assumedScatter * Math.abs(median))
    return { level: median, up: assumed, down: assumed, count: Math.max(1, n) }
  }
  const half = Math.floor(n / 2)
  const drift = Math.abs(spreadOf(means.subarray(0, half)).median - spreadOf(means.subarray(n - half)).median) / 1.5
  const common = Math.max(mad, sd / 2, drift, floor)
  // The largest of n normal numbers is about sqrt(2 ln n): where the tail is heavier than that, it sets the scale.
  const reach = Math.sqrt(2 * Math.log(n))
  return {
    level: median,
    up: Math.max(common, (quantileOfSorted(sorted, 1 - 1 / n) - median) / reach),
    down: Math.max(common, (median - quantileOfSorted(sorted, 1 / n)) / reach),
    count: n,
  }
}

/** The level of the last rows, with the scatter of the quiet time at that level. */
function near(before: Float64Array, usual: Usual, settings: MetricChangeOptions): Usual {
  const level = spreadOf(before).median
  const ratio = Math.abs(usual.level) > settings.floor ? Math.abs(level / usual.level) : 1
  const scale = Math.max(1, Math.min(10, ratio)) * Math.sqrt(1 + 1 / before.length)
  return { level, up: usual.up * scale, down: usual.down * scale, count: usual.count }
}

function deviation(value: number, usual: Usual, recent: Usual | undefined): number {
  const z = (value - usual.level) / (value > usual.level ? usual.up : usual.down)
  if (recent === undefined) return z
  const other = (value - recent.level) / (value > recent.level ? recent.up : recent.down)
  if (Math.sign(z) !== Math.sign(other)) return 0
  return Math.abs(z) < Math.abs(other) ? z : other
}

function blockMeans(values: Float64Array, length: number): Float64Array {
  const means: number[] = []
  for (let from = 0; from + length <= values.length; from += length) {
    let [sum, count] = [0, 0]
    for (let i = from; i < from + length; i++) {
      const value = values[i] as number
      if (Number.isNaN(value)) continue
      sum += value
      count++
    }
    if (count * 2 >= length) means.push(sum / count)
  }
  return Float64Array.from(means)
}

function strongest(
  after: Float64Array,
  length: number,
  z: (value: number) => number,
): { readonly value: number; readonly z: number } | undefined {
  const means = blockMeans(after, Math.min(length, Math.max(1, after.length)))
  let best: { value: number; z: number } | undefined
  for (const value of means) {
    const found = z(value)
    if (best === undefined || Math.abs(found) > Math.abs(best.z)) best = { value, z: found }
  }
  return best
}

/** -ln p of the largest of so many |t|, by Wallace's normal approximation of Student's t (1959). */
function tail(t: number, freedom: number, looks: number): number {
  const z = ((8 * freedom + 1) / (8 * freedom + 3)) * Math.sqrt(freedom * Math.log1p((t * t) / freedom))
  const one = twoSidedSurprise(z)
  const all = one > 20 ? one - Math.log(looks) : -Math.log(-Math.expm1(looks * Math.log1p(-Math.exp(-one))))
  return Math.max(0, Math.min(mostSurprise, Number.isNaN(all) ? 0 : all))
}

/** The row at which one level becomes another, by least squares over clipped values; undefined where nothing moved. */
function date(
  times: Float64Array,
  values: Float64Array,
  usual: Usual,
  from: number,
  until: number,
): { readonly row: number; readonly rows: number } | undefined {
  // As much of the time before as of the time after: a change is dated between two levels.
  const first = Math.max(0, from - (until - from + 1))
  const rows: number[] = []
  const zs: number[] = []
  for (let i = first; i <= until; i++) {
    const value = values[i] as number
    if (Number.isNaN(value) || Number.isNaN(times[i])) continue
    const z = (value - usual.level) / (value > usual.level ? usual.up : usual.down)
    rows.push(i)
    zs.push(Math.max(-clip, Math.min(clip, z)))
  }
  let total = 0
  for (const z of zs) total += z
  let [sum, best, at, shift] = [0, 0, -1, 0]
  for (let k = 1; k < zs.length; k++) {
    sum += zs[k - 1] as number
    const jump = (total - sum) / (zs.length - k) - sum / k
    const gain = ((k * (zs.length - k)) / zs.length) * jump * jump
    if (gain <= best) continue
    ;[best, at, shift] = [gain, k, Math.abs(jump)]
  }
  if (at < 0 || best < clip) return undefined
  return { row: rows[at] as number, rows: 4 / Math.max(0.1, shift * shift) }
}
