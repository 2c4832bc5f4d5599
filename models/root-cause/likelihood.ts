/** From a surprise (-ln p) to how much likelier it is that something happened. */

/** p = 1e-12: beyond it a p-value says nothing of the world. */
export const mostSurprise = 27.6

/**
 * Density of a p-value if something happened, over its density (1) if nothing did, where what happened may be of any size: the mean over x in 0..1 of
 * x p^(x-1) (Sellke, Bayarri and Berger 2001, with a uniform prior on x). By s = -ln p: (e^s - 1 - s) / s^2; 1/2 at s = 0, 1 at about 1.8, then it grows.
 */
export function somethingOverNothing(surprise: number): number {
  const s = Math.min(surprise, mostSurprise)
  if (s < 0.01) return 0.5 + s / 6
  return (Math.exp(s) - 1 - s) / (s * s)
}
