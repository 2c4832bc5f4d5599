/**
 * Counts and ratios as numbers that are nearly normal: the signed root of the deviance (McCullagh & Nelder 1989, 2.4.2) is what a z is to a normal
 * distribution, and holds for small counts and far tails too. All O(1).
 */

/** Of a count whose mean is `mean` and whose variance is `mean + (spread * mean)^2`: Poisson where `spread` is 0, else negative binomial. */
export function countZ(count: number, mean: number, spread: number): number {
  const relative = spread * spread
  const scaled = relative * mean
  // Below this the two distributions are the same to more digits than matter, and the general form would lose them.
  const half =
    scaled < 1e-6
      ? logRatio(count, mean) - (count - mean)
      : logRatio(count, mean) - (count + 1 / relative) * Math.log((1 + relative * count) / (1 + scaled))
  return Math.sign(count - mean) * Math.sqrt(2 * Math.max(0, half))
}

/** Of `hits` among `total` where `ratio` of them are expected (between 0 and 1, exclusive), each hit worth `1 / inflation` of an independent one. */
export function ratioZ(hits: number, total: number, ratio: number, inflation: number): number {
  const half = logRatio(hits, total * ratio) + logRatio(total - hits, total * (1 - ratio))
  return Math.sign(hits - total * ratio) * Math.sqrt((2 * Math.max(0, half)) / inflation)
}

function logRatio(count: number, mean: number): number {
  return count <= 0 ? 0 : count * Math.log(count / mean)
}
