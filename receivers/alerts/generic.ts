/** JSON of a sender that has no form of its own here, by where its fields are. */
import { HttpError } from '../../pipeline/net/http-body.ts'
import { at, readTime, textOf } from '../../pipeline/net/json-fields.ts'
import type { GenericSettings } from './config.ts'
import type { ForeignAlert } from './foreign-alert.ts'

/** Throws `HttpError` 400 with the field that is missing. */
export function readGeneric(settings: GenericSettings, body: unknown): readonly ForeignAlert[] {
  const found = settings.items === '' ? body : at(body, settings.items)
  if (found === undefined || found === null) throw new HttpError(400, `there is no field ${settings.items}`)
  return (Array.isArray(found) ? found : [found]).map((item: unknown) => readItem(settings, item))
}

function readItem(settings: GenericSettings, item: unknown): ForeignAlert {
  const of = (path: string) => (path === '' ? '' : textOf(at(item, path)))
  const id = of(settings.id)
  if (id === '') throw new HttpError(400, `an alert has no field ${settings.id}, which says which one it is`)
  const labels = new Map<string, string>()
  const given = settings.labels === '' ? undefined : at(item, settings.labels)
  for (const [name, value] of Object.entries(typeof given === 'object' && given !== null ? given : {}))
    put(labels, name, textOf(value))
  for (const [name, path] of Object.entries(settings.label_fields)) put(labels, name, of(path))
  put(labels, 'severity', of(settings.severity))
  const state = of(settings.state).toLowerCase()
  const isOver = state !== '' && settings.resolved.some((one) => one.toLowerCase() === state)
  return {
    source: settings.source,
    fingerprint: `${settings.source}:${id}`,
    name: of(settings.name) || id,
    isOver,
    startsNano: timeAt(item, settings.starts),
    endsNano: isOver ? timeAt(item, settings.ends) : undefined,
    expiresNano: undefined,
    labels,
    text: of(settings.text),
    url: of(settings.url) || undefined,
    runbook: undefined,
  }
}

function put(labels: Map<string, string>, name: string, value: string): void {
  if (value !== '') labels.set(name, value)
}

function timeAt(item: unknown, path: string): bigint | undefined {
  if (path === '') return undefined
  const value = at(item, path)
  if (value === undefined || value === null || value === '') return undefined
  const time = readTime(value)
  if (time === undefined)
    throw new HttpError(
      400,
      `${path} is ${JSON.stringify(value).slice(0, 64)}; write RFC 3339, or seconds or milliseconds since 1970`,
    )
  return time
}
