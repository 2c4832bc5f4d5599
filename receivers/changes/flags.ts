/** Feature flags that changed: flagd's event `configuration_change`, and OpenFeature's details of `PROVIDER_CONFIGURATION_CHANGED`. */
import { z } from 'zod'
import { readTime } from '../../pipeline/net/json-fields.ts'
import { parsed, type ToldChange, text } from './told-change.ts'

const common = { service: text(), environment: text(), by: text(), time: text(), id: text() }
const ofFlagd = z.object({
  ...common,
  type: z.literal('configuration_change'),
  data: z.object({ flags: z.record(z.string().min(1), z.object({ type: text(), source: text() })) }),
})
const ofOpenFeature = z.object({
  ...common,
  providerName: text(),
  message: text(),
  flagsChanged: z.array(z.string().min(1)).max(10_000),
})

const verbs: Readonly<Record<string, string>> = { write: 'added', update: 'changed', delete: 'removed' }

/** Throws `HttpError` 400 for what has not the form. */
export function readFlags(body: unknown): readonly ToldChange[] {
  if (typeof body === 'object' && body !== null && 'type' in body) {
    const { data, ...said } = parsed(ofFlagd, body, 'the event of flagd')
    return Object.entries(data.flags).map(([flag, { type, source }]) =>
      changed(said, 'flagd', flag, verbs[type] ?? 'changed', source),
    )
  }
  const { flagsChanged, providerName, message, ...said } = parsed(ofOpenFeature, body, 'the event of OpenFeature')
  return [...new Set(flagsChanged)].map((flag) =>
    changed(said, providerName || 'openfeature', flag, 'changed', message),
  )
}

interface Said {
  readonly service: string
  readonly environment: string
  readonly by: string
  readonly time: string
  readonly id: string
}

function changed(
  { service, environment, by, time, id }: Said,
  source: string,
  flag: string,
  verb: string,
  detail: string,
): ToldChange {
  const timeNano = readTime(time)
  const mark = id || (timeNano === undefined ? '' : String(timeNano))
  return {
    source,
    key: [flag, verb, service, environment, detail, mark],
    isUnnumbered: mark === '',
    kind: 'flag',
    state: 'finished',
    name: service || flag,
    isService: service !== '',
    environment,
    timeNano,
    text: `flag ${flag} was ${verb}`,
    reference: flag,
    by,
    detail,
  }
}
