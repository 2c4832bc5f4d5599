/**
 * Consistent probability sampling (OpenTelemetry, "TraceState: Probability Sampling"): an item is kept when its 56 bits of randomness are not below a
 * threshold. Both are text here, 14 hexadecimal digits in lower case: such texts compare as the numbers they are, and most come as text anyway.
 */
export const hexDigits = 14
export const leastProbability = 2 ** -56

const all = 1n << 56n

/** Above all randomness. */
export const never = 'g'
export const always = '0'.repeat(hexDigits)
export const mostRandom = 'f'.repeat(hexDigits)

export function isSampled(randomness: string, threshold: string): boolean {
  return threshold <= randomness
}

/** Undefined for what is not 1 to 14 hexadecimal digits; what is missing on the right is zero. */
export function thresholdOf(tValue: string): string | undefined {
  return /^[0-9a-fA-F]{1,14}$/.test(tValue) ? tValue.toLowerCase().padEnd(hexDigits, '0') : undefined
}

/** Undefined for what is not 14 hexadecimal digits. */
export function randomnessOf(rValue: string): string | undefined {
  return /^[0-9a-fA-F]{14}$/.test(rValue) ? rValue.toLowerCase() : undefined
}

/** As it is written: without the zeros on the right. */
export function tValueOf(threshold: string): string {
  if (threshold === never) return ''
  return threshold === always ? '0' : threshold.replace(/0+$/, '')
}

export function probabilityOf(threshold: string): number {
  return threshold === never ? 0 : Number(all - BigInt(`0x${threshold}`)) / 2 ** 56
}

/** Undefined outside of [2^-56, 1]. Near 0 and 1 more digits are used, so that the relative error stays. */
export function thresholdFor(probability: number, precision: number): string | undefined {
  if (!(probability >= leastProbability && probability <= 1)) return undefined
  if (probability === 1) return always
  const wanted = precision === 0 ? hexDigits : precision
  const leading = Math.max(leadingDigits(probability), leadingDigits(1 - probability))
  const digits = Math.min(hexDigits, wanted + leading)
  let threshold = all - BigInt(Math.round(probability * 2 ** 56))
  const shift = BigInt(4 * (hexDigits - digits))
  if (shift > 0n)
    threshold = BigInt.asUintN(64, ((threshold + BigInt.asUintN(64, 1n << (shift - 1n))) >> shift) << shift)
  return threshold >= all ? never : threshold.toString(16).padStart(hexDigits, '0')
}

const float = new DataView(new ArrayBuffer(8))

/** How many hexadecimal zeros a fraction begins with, of the binary exponent that Go's `math.Frexp` gives. */
function leadingDigits(fraction: number): number {
  float.setFloat64(0, fraction)
  const exponent = ((float.getUint16(0) >> 4) & 0x7ff) - 1022
  return Math.trunc(-exponent / 4)
}
