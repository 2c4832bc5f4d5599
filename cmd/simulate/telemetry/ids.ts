/** Words as the hexadecimal ids of OTLP. */
const words = 8

export function hex(id: readonly number[] | undefined): string {
  let text = ''
  for (const word of id ?? []) text += word.toString(16).padStart(words, '0')
  return text
}

/** The `ot` member of a head that samples that share: `th` is the rejection threshold in 56 bits, trailing zeros left out. */
export function traceStateOf(sampling: number): string {
  if (sampling >= 1) return ''
  const threshold = BigInt(Math.round((1 - sampling) * 2 ** 56))
  const digits = threshold.toString(16).padStart(14, '0').replace(/0+$/, '')
  return `ot=th:${digits === '' ? '0' : digits}`
}
