/** W3C `tracestate` with its OpenTelemetry member `ot=rv:...;th:...`. */
import { randomnessOf, thresholdOf } from './threshold.ts'

export interface TraceState {
  /** As written; empty where there is none. */
  rValue: string
  tValue: string
  /** Of the `ot` member, other than `rv` and `th`. */
  readonly fields: readonly string[]
  /** Members of others, in their order. */
  readonly members: readonly string[]
  /** It is what was left of a text that is not valid. */
  readonly isBroken?: true
}

const maxBytes = 1024
const maxMembers = 32
const maxOtBytes = 256
const memberPattern =
  /^((?:[a-z][a-z0-9_\-*/]*)|(?:[a-z0-9][a-z0-9_\-*/]*@[a-z][a-z0-9_\-*/]*))=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])$/
const fieldPattern = /^([a-z][a-z0-9]*):([a-zA-Z0-9._-]*)$/

/** Undefined for what is not valid; upstream then calls it an error of the item. */
export function parseTraceState(text: string): TraceState | undefined {
  if (text === '') return { rValue: '', tValue: '', fields: [], members: [] }
  if (text.length > maxBytes) return undefined
  // A comma at the end opens no member.
  const parts = text.replace(/,$/, '').split(',')
  if (parts.length >= maxMembers) return undefined
  const members: string[] = []
  let ot: OtMember = { rValue: '', tValue: '', fields: [] }
  for (const part of parts) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, '')
    if (member === '') continue
    const match = memberPattern.exec(member)
    if (match === null || !isShortKey(match[1]!)) return undefined
    if (match[1] !== 'ot') members.push(member)
    else {
      const parsed = parseOt(match[2]!)
      if (parsed === undefined) return undefined
      ot = parsed
    }
  }
  return { ...ot, members }
}

function isShortKey(key: string): boolean {
  const at = key.indexOf('@')
  return key.length <= 256 && (at < 0 || (at <= 241 && key.length - at - 1 <= 14))
}

interface OtMember {
  readonly rValue: string
  readonly tValue: string
  readonly fields: readonly string[]
}

function parseOt(text: string): OtMember | undefined {
  if (text.length > maxOtBytes) return undefined
  const fields: string[] = []
  let rValue = ''
  let tValue = ''
  for (const field of text.split(';')) {
    const match = fieldPattern.exec(field)
    if (match === null) return undefined
    const value = match[2]!
    if (match[1] === 'rv') {
      if (randomnessOf(value) === undefined) return undefined
      rValue = value
    } else if (match[1] === 'th') {
      if (thresholdOf(value) === undefined) return undefined
      tValue = value
    } else fields.push(field)
  }
  return { rValue, tValue, fields }
}

export function writeTraceState({ rValue, tValue, fields, members }: TraceState): string {
  const ot: string[] = []
  if (rValue !== '') ot.push(`rv:${rValue}`)
  if (tValue !== '') ot.push(`th:${tValue}`)
  ot.push(...fields)
  return [...(ot.length > 0 ? [`ot=${ot.join(';')}`] : []), ...members].join(',')
}
