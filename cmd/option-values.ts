/** What the values of options may be: each reads the text, and says the cure when it cannot be. */
import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../pipeline/config/duration.ts'

/** Milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text)
  if (typeof ms !== 'number') throw new InvalidArgumentError(`${ms.error}: write it as 10s, 1m30s or 24h.`)
  if (ms <= 0) throw new InvalidArgumentError('It must be more than 0.')
  return ms
}

export function number(least: number, most: number): (text: string) => number {
  return (text) => read(text, least, most, `number from ${least} to ${most}`)
}

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  return (text) => {
    const value = read(text, least, most, `whole number ${range}`)
    if (!Number.isSafeInteger(value)) throw new InvalidArgumentError(`It must be a whole number ${range}.`)
    return value
  }
}

function read(text: string, least: number, most: number, what: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value <= most) return value
  throw new InvalidArgumentError(`It must be a ${what}.`)
}
