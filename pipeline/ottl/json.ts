/** JSON as values: every number is a double, as upstream has it. */
import { errorMessage } from '../error-message.ts'
import { fail } from './problems.ts'
import { define, float, type OttlValue } from './values.ts'

const maxDepth = 200

export function parseJson(text: string): OttlValue {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    fail(`could not parse JSON: ${errorMessage(error)}`)
  }
  if (typeof parsed !== 'object' || parsed === null)
    fail(`could not convert parsed value of type ${typeof parsed} to JSON object or array`)
  return toValue(parsed, 0)
}

function toValue(of: unknown, depth: number): OttlValue {
  if (depth > maxDepth) fail(`the JSON is nested deeper than ${maxDepth}`)
  if (typeof of === 'number') return float(of)
  if (typeof of !== 'object' || of === null) return of as string | boolean | null
  if (Array.isArray(of)) return of.map((item) => toValue(item, depth + 1))
  const map: { [key: string]: OttlValue } = {}
  for (const [key, item] of Object.entries(of)) define(map, key, toValue(item, depth + 1))
  return map
}
