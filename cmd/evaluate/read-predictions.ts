/** Reads what `vigil predict` wrote, or another program in its format. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { errorMessage } from '../../pipeline/error-message.ts'

/** By row. */
export interface Prediction {
  readonly scores: Float64Array
  readonly alarms: Uint8Array
}

interface Columns {
  readonly scores: number[]
  readonly alarms: number[]
}

/** The lines of a file, parsed. Throws an `Error` that names file and line where one is not JSON. */
export async function* readLines(file: string): AsyncGenerator<unknown> {
  let number = 0
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number++
    if (text.trim() !== '') yield parse(text, `${file}:${number}`)
  }
}

function parse(text: string, at: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${at} is not JSON: ${errorMessage(cause)}`, { cause })
  }
}

/** By case. Throws an `Error` that names the line where one is not as PREDICT.md says. */
export async function readPredictions(lines: AsyncIterable<unknown>): Promise<ReadonlyMap<string, Prediction>> {
  const cases = new Map<string, Columns>()
  let number = 0
  for await (const line of lines) take(line, `prediction ${++number}`, cases)
  if (cases.size === 0) throw new Error('there are no predictions: write them with vigil predict')
  return new Map(
    Array.from(cases, ([name, { scores, alarms }]) => [
      name,
      { scores: Float64Array.from(scores), alarms: Uint8Array.from(alarms) },
    ]),
  )
}

function take(line: unknown, at: string, cases: Map<string, Columns>): void {
  const { case: name, row, score, p, alarm } = (line ?? {}) as Record<string, unknown>
  if (typeof name !== 'string') throw new Error(`${at}: "case" is missing or not a text`)
  if (typeof alarm !== 'boolean') throw new Error(`${at}: "alarm" is missing or not true or false`)
  const known = cases.get(name) ?? { scores: [], alarms: [] }
  cases.set(name, known)
  if (row !== known.scores.length)
    throw new Error(`${at}: row ${JSON.stringify(row)} of ${name} where row ${known.scores.length} must come`)
  known.scores.push(share(score, 'score', at))
  share(p, 'p', at)
  known.alarms.push(alarm ? 1 : 0)
}

function share(value: unknown, name: string, at: string): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw new Error(`${at}: "${name}" is ${JSON.stringify(value)}, which is not a number from 0 to 1`)
}
