/** What a person says that was done: `vigil note`. */
import { z } from 'zod'
import { HttpError } from '../../pipeline/net/http-body.ts'
import { readTime } from '../../pipeline/net/json-fields.ts'
import { changeSchema } from '../../pipeline/vocabulary/change.ts'
import { parsed, type ToldChange } from './told-change.ts'

const note = z.strictObject({
  text: z.string().trim().min(1).max(4_096),
  service: z.string().max(256).default(''),
  environment: z.string().max(256).default(''),
  by: z.string().max(256).default(''),
  kind: changeSchema.shape.kind.default('human'),
  time: z.union([z.string(), z.number()]).optional(),
  id: z.string().max(256).default(''),
})

/** Throws `HttpError` 400 for what has not the form. */
export function readNote(body: unknown): ToldChange {
  const { text, service, environment, by, kind, time, id } = parsed(note, body, 'the note')
  const timeNano = time === undefined ? undefined : readTime(time)
  if (time !== undefined && timeNano === undefined)
    throw new HttpError(400, 'the note, time: write RFC 3339, or seconds or milliseconds since 1970')
  const mark = id || (timeNano === undefined ? '' : String(timeNano))
  return {
    source: 'note',
    key: [service, environment, kind, text, mark],
    isUnnumbered: mark === '',
    kind,
    state: 'finished',
    name: service,
    isService: true,
    environment,
    timeNano,
    text,
    by,
  }
}
