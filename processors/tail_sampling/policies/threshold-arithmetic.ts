import { hexDigits, never } from '../../../pipeline/sampling/threshold.ts'

/** The next threshold; after the last one nothing is kept. */
export function addOne(threshold: string): string {
  const next = (BigInt(`0x${threshold}`) + 1n).toString(16)
  return next.length > hexDigits ? never : next.padStart(hexDigits, '0')
}
