/** How surprising a count is beside the counts before it: for events in windows of one length, most of which may be empty. O(1) a window. */

/** Of one series. Plain data, so that it can be saved. */
export interface CountBaseline {
  /** Exponentially weighted moments of the count of a window. */
  first: number
  second: number
  /** Windows learned from. */
  windows: number
}

export function newCountBaseline(): CountBaseline {
  return { first: 0, second: 0, windows: 0 }
}

/** About the last hundred windows count. */
const most = 100
/** A count beyond so many standard deviations is learned as if it were there. */
const clip = 3
/** A series never seen is expected so often in a window: without a floor any first event would be infinitely surprising. */
const floorMean = 0.05
export const mostSurprise = 12

/** Learns one window's count. An outlier moves the baseline a little at a time, so that a burst does not become normal at once. */
export function learnCount(baseline: CountBaseline, count: number): void {
  baseline.windows++
  const weight = Math.max(1 / most, 1 / baseline.windows)
  const sd = Math.sqrt(Math.max(0, baseline.second - baseline.first ** 2))
  const x = baseline.windows > 10 ? Math.min(count, baseline.first + clip * sd + clip) : count
  baseline.first += weight * (x - baseline.first)
  baseline.second += weight * (x * x - baseline.second)
}

/** Learns that many windows without an event, at once. */
export function learnSilence(baseline: CountBaseline, windows: number): void {
  if (windows <= 0) return
  // While it is young the mean is a plain one; then it fades.
  const young = Math.max(0, Math.min(windows, most - baseline.windows))
  const kept = (baseline.windows / Math.max(1, baseline.windows + young)) * (1 - 1 / most) ** (windows - young)
  baseline.first *= kept
  baseline.second *= kept
  baseline.windows += windows
}

/** Events expected in a window. */
export function expectedCount(baseline: CountBaseline): number {
  return Math.max(floorMean, baseline.first)
}

/**
 * -log10 of a bound on P(X >= count), from 0 to 12; 0 for a count that is not above the mean. X is negative binomial with the baseline's mean and variance,
 * Poisson where the variance is not above the mean. The bound is Chernoff's (Hoeffding 1963 for the form): never below the true probability, so that no alarm
 * comes of the approximation.
 */
export function countSurprise(baseline: CountBaseline, count: number): number {
  const mean = expectedCount(baseline)
  if (!(count > mean)) return 0
  const variance = baseline.second - baseline.first ** 2
  const nats =
    variance > mean * 1.001
      ? negativeBinomialExponent(count, mean, mean ** 2 / (variance - mean))
      : count * Math.log(count / mean) - (count - mean)
  return Math.min(mostSurprise, Math.max(0, nats / Math.LN10))
}

/** Of a negative binomial with `r` successes: the Legendre transform of its log moment generating function. */
function negativeBinomialExponent(count: number, mean: number, r: number): number {
  return count * Math.log(count / mean) - (count + r) * Math.log((count + r) / (mean + r))
}
