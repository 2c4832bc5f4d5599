/** What attributes, labels and annotations say, under whatever names a company has for it. */
import type { CatalogEntry } from '../../pipeline/capability/service-catalog.ts'
import type { AttributeNames } from './config.ts'
import { entryOf, readTier } from './record.ts'

const channels = ['slack', 'email', 'pagerduty', 'opsgenie'] as const
const longest = 1_024
/** `k8s.pod.label.team`, and as older versions of `k8s_attributes` write it, `k8s.pod.labels.team`. */
const kubernetes = /^k8s\.[a-z]+\.(?:label|annotation)s?\.(.+)$/

export function entryOfAttributes(attributes: Readonly<Record<string, string>>, names: AttributeNames): CatalogEntry {
  const said = new Map<string, string>()
  // Sorted, so that of two objects that say different things it is always the same one that counts.
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key]!
    if (value === '' || value.length > longest) continue
    const plain = kubernetes.exec(key)?.[1]
    if (plain === undefined) said.set(key, value)
    else if (!Object.hasOwn(attributes, plain) && !said.has(plain)) said.set(plain, value)
  }
  const first = (all: readonly string[]) => {
    const name = all.find((one) => said.has(one))
    return name === undefined ? undefined : said.get(name)
  }
  const tier = first(names.tier)
  const contacts = Object.fromEntries(
    channels.flatMap((channel) => {
      const value = first(names[channel])
      return value === undefined ? [] : [[channel, value]]
    }),
  )
  return entryOf({
    owner: first(names.owner),
    tier: tier === undefined ? undefined : readTier(tier),
    runbook: first(names.runbook),
    description: first(names.description),
    contacts: Object.keys(contacts).length === 0 ? undefined : contacts,
  })
}
