const byteTexts = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Words as the hexadecimal ids of OTLP. */
export function hex(id: readonly number[] | undefined): string {
  let text = ''
  for (const word of id ?? []) {
    text += byteTexts[word >>> 24]! + byteTexts[(word >>> 16) & 0xff]!
    text += byteTexts[(word >>> 8) & 0xff]! + byteTexts[word & 0xff]!
  }
  return text
}

/** The `ot` member of a head that samples that share: `th` is the rejection threshold in 56 bits, trailing zeros left out. */
export function traceStateOf(sampling: number): string {
  if (sampling >= 1) return ''
  const threshold = BigInt(Math.round((1 - sampling) * 2 ** 56))
  const digits = threshold.toString(16).padStart(14, '0').replace(/0+$/, '')
  return `ot=th:${digits === '' ? '0' : digits}`
}
