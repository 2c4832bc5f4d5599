/** Backstage's catalog-info.yaml: Components and Resources are services and what they use, Groups and Users are who answers for them. */
import { z } from 'zod'
import type { MapNode } from '../../pipeline/config/tree.ts'
import type { EntityKind } from '../../pipeline/vocabulary/entity.ts'
import type { AttributeNames } from './config.ts'
import { entryOfAttributes } from './names.ts'
import { checked, place } from './own-format.ts'
import { entryOf, merged, type Said } from './record.ts'

const annotations = z.record(z.string(), z.coerce.string())
const metadata = z.looseObject({
  name: z.string().min(1),
  title: z.string().optional(),
  description: z.string().optional(),
  labels: annotations.optional(),
  annotations: annotations.optional(),
  links: z
    .array(z.looseObject({ url: z.string(), title: z.string().optional(), type: z.string().optional() }))
    .optional(),
})
const component = z.looseObject({
  kind: z.string(),
  metadata,
  spec: z.looseObject({ owner: z.string().min(1), type: z.string().optional(), lifecycle: z.string().optional() }),
})
const person = z.looseObject({
  kind: z.string(),
  metadata,
  spec: z.looseObject({ profile: z.looseObject({ email: z.string().optional() }).optional() }).optional(),
})

/** Of a Resource, by its `spec.type`. */
const resourceKinds: Readonly<Record<string, EntityKind>> = {
  database: 'database',
  'database-cluster': 'database',
  cache: 'cache',
  queue: 'queue',
  topic: 'queue',
  'message-queue': 'queue',
  'kafka-topic': 'queue',
}
/** The name by which telemetry knows it, where that is not `metadata.name`. */
const nameAnnotation = 'opentelemetry.io/service-name'
/** Kinds that say nothing of who answers for what. */
const otherKinds: readonly string[] = ['API', 'System', 'Domain', 'Location', 'Template']

export function readBackstage(node: MapNode, names: AttributeNames): Said {
  const problems: string[] = []
  const where = place(node.position)
  const kindNode = node.entries.get('kind')?.value
  const kind = kindNode?.kind === 'scalar' ? String(kindNode.value) : ''
  const nothing = { records: [], teams: [], problems }
  if (kind === 'Group' || kind === 'User') {
    const value = checked(person, node, node.position, kind, problems)
    if (value === undefined) return nothing
    const { contacts = {} } = entryOfAttributes({ ...value.metadata.labels, ...value.metadata.annotations }, names)
    const email = value.spec?.profile?.email
    const of = { ...(email === undefined ? {} : { email }), ...contacts }
    return { ...nothing, teams: [{ name: value.metadata.name, contacts: of, where }] }
  }
  if (kind === 'Component' || kind === 'Resource') {
    const value = checked(component, node, node.position, kind, problems)
    if (value === undefined) return nothing
    const { metadata: about, spec } = value
    const name = about.annotations?.[nameAnnotation] ?? about.name
    const aliases = [about.name, about.title].filter((one) => one !== undefined && one !== name) as string[]
    const said = entryOfAttributes({ ...about.labels, ...about.annotations }, names)
    const entry = entryOf({
      owner: nameOf(spec.owner),
      lifecycle: spec.lifecycle,
      description: about.description,
      runbook: about.links?.find(({ title = '', type = '' }) => /run-?book/i.test(`${type} ${title}`))?.url,
      aliases: aliases.length === 0 ? undefined : aliases,
    })
    const of = kind === 'Component' ? 'service' : (resourceKinds[spec.type ?? ''] ?? 'external')
    return { ...nothing, records: [{ kind: of, name, entry: merged(entry, said), where }] }
  }
  if (!otherKinds.includes(kind))
    problems.push(
      `${where} kind: ${kind === '' ? 'is required; set it' : `${kind} is not known`}; Component, Resource, Group and User are read`,
    )
  return nothing
}

/** Of `group:default/payments` it is `payments`. */
function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1).replace(/^\w+:/, '')
}
