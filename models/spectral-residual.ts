/** Spectral residual saliency (Ren et al. 2019, sec. 3.2): what stands out of a window's own spectrum. */

/** In-place radix-2 FFT; `re` and `im` have the same power of two as length. The inverse is not divided by n. O(n log n). */
export function fft(re: Float64Array, im: Float64Array, isInverse = false): void {
  const n = re.length
  if (n === 0 || (n & (n - 1)) !== 0 || im.length !== n)
    throw new RangeError(`an FFT takes two arrays of one power of two, not ${n} and ${im.length}`)
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) {
      swap(re, i, j)
      swap(im, i, j)
    }
  }
  for (let size = 2; size <= n; size *= 2) {
    const step = ((isInverse ? 2 : -2) * Math.PI) / size
    for (let k = 0; k < size / 2; k++) {
      const [c, s] = [Math.cos(step * k), Math.sin(step * k)]
      for (let at = k; at < n; at += size) {
        const to = at + size / 2
        const x = (re[to] as number) * c - (im[to] as number) * s
        const y = (re[to] as number) * s + (im[to] as number) * c
        re[to] = (re[at] as number) - x
        im[to] = (im[at] as number) - y
        re[at] = (re[at] as number) + x
        im[at] = (im[at] as number) + y
      }
    }
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const kept = values[i] as number
  values[i] = values[j] as number
  values[j] = kept
}

/** Frequencies the log amplitude is averaged over, and values the saliency is. */
const spectrumWindow = 3
const scoreWindow = 21
/** The next value is guessed from the slopes to so many before it, and stands so often behind the last, so that the newest is judged inside the window. */
const extensionSlopes = 5
const extensionCopies = 5
const least = 1e-8

/** |IFFT(exp(log A - averaged log A) * phase)| of a series whose length is a power of two. */
export function saliency(series: Float64Array): Float64Array {
  const n = series.length
  const re = Float64Array.from(series)
  const im = new Float64Array(n)
  fft(re, im)
  const amplitude = re.map((x, i) => Math.hypot(x, im[i] as number))
  const logs = amplitude.map((a) => (a <= least ? 0 : Math.log(a)))
  const averaged = trailingMean(logs, spectrumWindow)
  for (let i = 0; i < n; i++) {
    const a = amplitude[i] as number
    const factor = a <= least ? 0 : Math.exp((logs[i] as number) - (averaged[i] as number)) / a
    re[i] = (re[i] as number) * factor
    im[i] = (im[i] as number) * factor
  }
  fft(re, im, true)
  return re.map((x, i) => Math.hypot(x, im[i] as number) / n)
}

/**
 * Scores of the values, 0 to 1: saliency over its trailing mean, less 1, a tenth of it. `values` and its 5 copies of the expected next value
 * are cut at the old end to a power of two; values before it get 0. Score the newest only, to be causal: the others see what came after them. O(n log n).
 */
export function spectralResidual(values: Float64Array): Float64Array {
  const out = new Float64Array(values.length)
  if (values.length < extensionSlopes + 1) return out
  const size = 2 ** Math.floor(Math.log2(values.length + extensionCopies))
  const kept = size - extensionCopies
  const window = new Float64Array(size).fill(expectedNext(values))
  window.set(values.subarray(values.length - kept))
  const salient = saliency(window)
  const mean = trailingMean(salient, scoreWindow)
  for (let i = 0; i < kept; i++) {
    const over = ((salient[i] as number) - (mean[i] as number)) / Math.max(mean[i] as number, least)
    out[values.length - kept + i] = Math.min(1, Math.max(0, Math.abs(over) / 10))
  }
  return out
}

/** x[n-m] plus the mean slope from each of the last m points to the newest, times m. */
function expectedNext(values: Float64Array): number {
  const n = values.length
  const last = values[n - 1] as number
  let slope = 0
  for (let i = 1; i <= extensionSlopes; i++) slope += (last - (values[n - 1 - i] as number)) / i / extensionSlopes
  return (values[n - extensionSlopes] as number) + slope * extensionSlopes
}

/** Mean of a value and those before it, `width` at most. */
function trailingMean(values: Float64Array, width: number): Float64Array {
  let sum = 0
  return values.map((value, i) => {
    sum += value - (i >= width ? (values[i - width] as number) : 0)
    return sum / Math.min(i + 1, width)
  })
}
