/** JSON of a sender that has no form of its own here, by where its fields are. */
import { HttpError } from '../../pipeline/net/http-body.ts'
import { at, readTime, textOf } from '../../pipeline/net/json-fields.ts'
import type { GenericSettings } from './config.ts'
import type { ToldChange } from './told-change.ts'

/** Throws `HttpError` 400 with the field that is missing. */
export function readGeneric(settings: GenericSettings, body: unknown): readonly ToldChange[] {
  const found = settings.items === '' ? body : at(body, settings.items)
  if (found === undefined || found === null) throw new HttpError(400, `there is no field ${settings.items}`)
  return (Array.isArray(found) ? found : [found]).map((item: unknown) => readItem(settings, item))
}

function readItem(settings: GenericSettings, item: unknown): ToldChange {
  const of = (path: string) => (path === '' ? '' : textOf(at(item, path)))
  const text = of(settings.text)
  if (text === '') throw new HttpError(400, `a change has no field ${settings.text}, which says what was done`)
  const time = settings.time === '' ? undefined : at(item, settings.time)
  const timeNano = readTime(time)
  if (timeNano === undefined && time !== undefined && time !== null && time !== '')
    throw new HttpError(400, `${settings.time} is no time; write RFC 3339, or seconds or milliseconds since 1970`)
  const word = of(settings.state).toLowerCase()
  const state = settings.started.includes(word) ? 'started' : settings.failed.includes(word) ? 'failed' : 'finished'
  const id = of(settings.id)
  const [name, environment] = [of(settings.service), of(settings.environment)]
  return {
    source: settings.source,
    key: id === '' ? [name, environment, text, state, String(timeNano ?? '')] : [id, state],
    isUnnumbered: id === '' && timeNano === undefined,
    kind: settings.kind,
    state,
    name,
    isService: true,
    environment,
    timeNano,
    text,
    reference: of(settings.reference) || id,
    by: of(settings.by),
    from: of(settings.from),
    to: of(settings.to),
    detail: of(settings.detail),
  }
}
