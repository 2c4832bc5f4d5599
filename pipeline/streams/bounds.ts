/** Bounds of histograms: mostly the same for very many streams. */
export function sameBounds(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

let last: Float64Array = new Float64Array(0)

/** Equal bounds that were asked for one after another are one array, so that each stream does not keep its own. Do not change it. */
export function sharedBounds(bounds: Float64Array): Float64Array {
  if (!sameBounds(bounds, last)) last = bounds
  return last
}
