/** Objects as the Kubernetes API has them, and how it says no. */

export type Fields = Record<string, unknown>

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller: boolean
  readonly blockOwnerDeletion: boolean
}

export interface Metadata {
  name: string
  namespace?: string | undefined
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string | undefined
  deletionGracePeriodSeconds?: number | undefined
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: readonly OwnerReference[]
  [field: string]: unknown
}

export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: Metadata
  spec?: Fields
  status?: Fields
  [field: string]: unknown
}

export type Reason =
  | 'BadRequest'
  | 'Forbidden'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Expired'
  | 'UnsupportedMediaType'
  | 'Invalid'
  | 'TooManyRequests'
  | 'InternalError'

const codes: Readonly<Record<Reason, number>> = {
  BadRequest: 400,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
}

/** Answered as a `Status`. */
export class StatusError extends Error {
  readonly reason: Reason
  readonly details: Fields

  constructor(reason: Reason, message: string, details: Fields = {}) {
    super(message)
    this.reason = reason
    this.details = details
  }

  get code(): number {
    return codes[this.reason]
  }
}

/** A field that cannot be what was asked for. */
export function invalid(kind: string, name: string, field: string, message: string): StatusError {
  return new StatusError('Invalid', `${kind} "${name}" is invalid: ${field}: ${message}`, {
    name,
    kind,
    causes: [{ reason: 'FieldValueInvalid', message, field }],
  })
}

export function statusOf(error: unknown): { readonly code: number; readonly body: Fields } {
  const known =
    error instanceof StatusError
      ? error
      : new StatusError('InternalError', `a bug: ${error instanceof Error ? error.stack : String(error)}`)
  const { code, reason, message, details } = known
  return {
    code,
    body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code },
  }
}

export function success(details: Fields = {}): Fields {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}

/** To the second, as `metav1.Time` is. */
export function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
export function microTimeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Undefined where something on the way is not there. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value
  for (const key of path) {
    if (typeof here !== 'object' || here === null) return undefined
    here = (here as Record<string | number, unknown>)[key]
  }
  return here
}

/** Where two values differ first, as a path; undefined = nowhere. */
export function difference(a: unknown, b: unknown, path = ''): string | undefined {
  if (Object.is(a, b)) return undefined
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return path
  if (Array.isArray(a) !== Array.isArray(b)) return path
  const [left, right] = [a as Fields, b as Fields]
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const found = difference(
      left[key],
      right[key],
      Array.isArray(a) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`,
    )
    if (found !== undefined) return found
  }
  return undefined
}
