/** What a database answers, with every value as the text it sent: nothing is lost of numbers that a double cannot hold. */
export type Row = Readonly<Record<string, string | null>>

/** A question with a name, for log lines and recordings. */
export interface Query {
  readonly name: string
  readonly sql: string
}

/** An integer, exactly; undefined for NULL, for what is none, and for what has more than 64 bits. */
export function wholeNumber(text: string | null | undefined): number | bigint | undefined {
  if (text === null || text === undefined || !/^-?\d+$/.test(text)) return undefined
  const number = Number(text)
  if (Number.isSafeInteger(number)) return number
  const large = BigInt(text)
  return BigInt.asIntN(64, large) === large ? large : undefined
}

/** Undefined for NULL and for what is no number. */
export function anyNumber(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text.trim() === '') return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}
