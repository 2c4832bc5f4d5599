/** Delta debugging (Zeller 2002, ddmin) over bytes, bounded by tries and by time: cuts what the failure does not need. */
export async function minimise(
  input: Uint8Array,
  stillFails: (input: Uint8Array) => Promise<boolean>,
  { maxTries = 2_000, maxMs = 5_000 } = {},
): Promise<Uint8Array> {
  const deadline = performance.now() + maxMs
  let tries = 0
  let best = input
  for (let size = input.length >>> 1; size >= 1; size = size === 1 ? 0 : size >>> 1) {
    let hasCut = true
    while (hasCut) {
      hasCut = false
      for (let at = 0; at < best.length; ) {
        if (tries++ >= maxTries || performance.now() > deadline) return best
        const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)])
        if (await stillFails(Uint8Array.from(shorter))) {
          best = Uint8Array.from(shorter)
          hasCut = true
        } else at += size
      }
      if (size > 1) break
    }
  }
  return best
}
