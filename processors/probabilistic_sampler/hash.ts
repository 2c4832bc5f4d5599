/** FNV-1a, 32 bits, over the seed and what identifies the item: upstream's first way to sample, kept so that layers of Collectors agree. */

const prime = 0x0100_0193

/** The state after the seed's four bytes. */
export function seeded(seed: number): number {
  let hash = 0x811c_9dc5
  for (let shift = 0; shift < 32; shift += 8) hash = Math.imul(hash ^ ((seed >>> shift) & 0xff), prime)
  return hash
}

export function hashBytes(state: number, bytes: Uint8Array): number {
  let hash = state
  for (const byte of bytes) hash = Math.imul(hash ^ byte, prime)
  return hash >>> 0
}

/** Of an id in hexadecimal, as the bytes it stands for. */
export function hashHex(state: number, hex: string): number {
  let hash = state
  for (let i = 0; i < hex.length; i += 2)
    hash = Math.imul(hash ^ ((nibble(hex.charCodeAt(i)) << 4) | nibble(hex.charCodeAt(i + 1))), prime)
  return hash >>> 0
}

function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87
}

/** As 56 bits of randomness that give the decision of a comparison of the lowest 14 bits of the hash. */
export function randomnessOfHash(hash: number): string {
  const bucket = hash & 0x3fff
  const rest = hash >>> 18
  const mixed = rest ^ (rest << 10)
  const high = ((0x3fff - bucket) << 14) | (mixed >>> 14)
  const low = ((mixed & 0x3fff) << 14) | bucket
  return high.toString(16).padStart(7, '0') + low.toString(16).padStart(7, '0')
}
