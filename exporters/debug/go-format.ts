/** Numbers and times as Go's fmt and time print them. */

const nanosPerSecond = 1_000_000_000n

/** `%f`: six decimals, ties decided by the exact binary value. */
export function fixedSix(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const magnitude = Math.abs(value)
  // From 1e21 on toFixed gives up; such numbers are whole.
  return sign + (magnitude < 1e21 ? magnitude.toFixed(6) : `${BigInt(magnitude)}.000000`)
}

/** `%v`: shortest, with an exponent below 1e-4 and from 1e6 on. */
export function shortest(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const magnitude = Math.abs(value)
  if (magnitude >= 1e-4 && magnitude < 1e6) return String(value)
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
}

/** A double inside a value, as ECMAScript prints it; special values by name. */
export function valueDouble(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** time.Time in UTC: `2020-02-11 20:26:12.000000321 +0000 UTC`. Nanoseconds beyond int64 wrap, as there. */
export function timestamp(unixNano: bigint): string {
  const nanos = BigInt.asIntN(64, unixNano)
  const fraction = ((nanos % nanosPerSecond) + nanosPerSecond) % nanosPerSecond
  const date = new Date(Number((nanos - fraction) / nanosPerSecond) * 1_000)
  const text = date.toISOString().slice(0, 19).replace('T', ' ')
  const digits = fraction === 0n ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
  return `${text}${digits} +0000 UTC`
}

export function hex(bytes: Uint8Array): string {
  return bytes.every((byte) => byte === 0) ? '' : Buffer.from(bytes).toString('hex')
}
