/** A change that another system tells of, whoever sent it. */
import { z } from 'zod'
import { HttpError } from '../../pipeline/net/http-body.ts'
import type { Change } from '../../pipeline/vocabulary/change.ts'

export interface ToldChange {
  readonly source: string
  /** What makes it this change and no other, whenever and however often it is sent. */
  readonly key: readonly string[]
  /** Whether `key` is only what it says: then the same again much later is another change. */
  readonly isUnnumbered: boolean
  readonly kind: Change['kind']
  readonly state: Change['state']
  /** What they call that which was changed; empty = they do not say. */
  readonly name: string
  /** Whether `name` is that of a service when no rule knows it. */
  readonly isService: boolean
  readonly environment: string
  readonly timeNano: bigint | undefined
  readonly text: string
  readonly reference?: string | undefined
  readonly by?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly detail?: string | undefined
}

/** Throws `HttpError` 400 with the field that is wrong. */
export function parsed<T extends z.ZodType>(schema: T, body: unknown, what: string): z.output<T> {
  const found = schema.safeParse(body)
  if (found.success) return found.data
  const [issue] = found.error.issues
  const place = issue === undefined || issue.path.length === 0 ? what : `${what}, ${issue.path.join('.')}`
  throw new HttpError(400, `${place}: ${issue?.message ?? 'not of the form'}`)
}

export const text = () =>
  z
    .string()
    .nullish()
    .transform((value) => value ?? '')
export const shortSha = (sha: string) => (/^[0-9a-f]{40,64}$/.test(sha) ? sha.slice(0, 7) : sha)
