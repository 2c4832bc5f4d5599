/** Attributes of a series, as its text says them, and what rules ask of them. */
import { decodeEntries, type Entry } from '../../pipeline/data/series.ts'
import type { Value } from '../../pipeline/data/telemetry.ts'
import { asText } from '../../pipeline/data/value.ts'
import type { Rule } from './rules.ts'

export class Texts {
  private readonly values: Readonly<Record<string, Value>>

  constructor(entries: readonly Entry[]) {
    this.values = decodeEntries(entries)
  }
  get(name: string | { readonly name: string }): Value | undefined {
    const key = typeof name === 'string' ? name : name.name
    return Object.hasOwn(this.values, key) ? this.values[key] : undefined
  }
  text(...names: readonly string[]): string {
    for (const name of names) {
      const value = this.get(name)
      if (typeof value === 'string' && value !== '') return value
    }
    return ''
  }
}

/** Whether a rule is about such points. */
export function matches({ where, not }: Rule, point: Texts): boolean {
  if (where !== undefined && !hasValue(where, point)) return false
  return not === undefined || !hasValue(not, point)
}

/** One of the attributes, whichever of its names it has, has one of the values. */
function hasValue(values: Readonly<Record<string, readonly string[]>>, point: Texts): boolean {
  for (const [name, list] of Object.entries(values)) {
    const value = point.text(name)
    if (value !== '' && list.includes(value)) return true
  }
  return false
}

/** It has one of the attributes, and another value. */
export function isOther(values: Readonly<Record<string, readonly string[]>>, point: Texts): boolean {
  return !hasValue(values, point) && Object.keys(values).some((name) => point.get(name) !== undefined)
}

/** Whether a rule takes such a metric. */
export function takes({ take }: Rule, type: string): boolean {
  if (take === 'sketch') return type === 'exponential_histogram'
  if (take === 'requests') return type === 'histogram' || type === 'exponential_histogram'
  return type === 'gauge' || type === 'sum'
}

const failedGrpc = new Set(['1', '2', '4', '8', '12', '13', '14', '15', 'CANCELLED', 'UNKNOWN', 'DEADLINE_EXCEEDED'])

/** Of a request: it failed. */
export function isFailure(point: Texts): boolean {
  if (point.text('error.type') !== '') return true
  const status = point.get('http.response.status_code') ?? point.get('http.status_code')
  if (status !== undefined && Number(status) >= 500) return true
  const grpc = point.get('rpc.grpc.status_code')
  return grpc !== undefined && failedGrpc.has(asText(grpc))
}
