/** What is extracted, decided once: which metadata, which labels and annotations, under which names. */
import { Regex, template } from '../../pipeline/ottl/regex.ts'
import type { Config, FieldSettings, FieldSource } from './config.ts'

export type Texts = Readonly<Record<string, string>>

interface FieldRule {
  readonly from: FieldSource
  readonly set: (texts: Texts, found: Map<string, string>, nameOf: (key: string) => string) => void
}
export interface Gates {
  /** Names of the stable conventions, like `k8s.pod.label.<key>`. */
  readonly stable: boolean
  /** The names of before, like `k8s.pod.labels.<key>`. */
  readonly legacy: boolean
}
export interface Rules extends Gates {
  readonly wants: (...names: string[]) => boolean
  readonly labels: readonly FieldRule[]
  readonly annotations: readonly FieldRule[]
}

const defaultMetadata: readonly string[] = [
  'container.image.name',
  'k8s.deployment.name',
  'k8s.namespace.name',
  'k8s.node.name',
  'k8s.pod.name',
  'k8s.pod.start_time',
  'k8s.pod.uid',
]

export function compileRules({ extract }: Config, gates: Gates): Rules {
  const images = [...(gates.legacy ? ['container.image.tag'] : []), ...(gates.stable ? ['container.image.tags'] : [])]
  const metadata = new Set(extract.metadata ?? [...defaultMetadata, ...images])
  const annotations = extract.annotations.map(compileField)
  if (extract.otel_annotations) {
    const own = { tag_name: '$1', key: '', key_regex: 'resource\\.opentelemetry\\.io/(.+)', from: 'pod' }
    annotations.push(compileField(own))
  }
  return {
    ...gates,
    wants: (...names) => names.some((name) => metadata.has(name)),
    labels: extract.labels.map(compileField),
    annotations,
  }
}

function compileField({ tag_name, key, key_regex, from }: FieldSettings): FieldRule {
  const source = (from || 'pod') as FieldSource
  if (key_regex === '') {
    return {
      from: source,
      set: (texts, found, nameOf) => {
        const value = texts[key]
        if (value !== undefined) found.set(tag_name || nameOf(key), value)
      },
    }
  }
  const pattern = new Regex(`^(?:${key_regex})$`)
  const hasGroups = pattern.groupNames.length > 1
  const expand = tag_name !== '' && hasGroups ? template(tag_name, pattern.groupNames) : undefined
  return {
    from: source,
    set: (texts, found, nameOf) => {
      for (const [name, value] of Object.entries(texts)) {
        if (value === '') continue
        const match = pattern.find(name)
        if (match !== undefined) found.set(expand === undefined ? nameOf(name) : expand(match), value)
      }
    },
  }
}

/** Whether labels or annotations of such an object are wanted. */
export function reads(rules: Rules, ...sources: FieldSource[]): boolean {
  return [...rules.labels, ...rules.annotations].some(({ from }) => sources.includes(from))
}

/** Kinds whose names were in the plural before. */
const renamed: readonly FieldSource[] = ['pod', 'namespace', 'node']

export function setLabels(rules: Rules, from: FieldSource, labels: Texts, found: Map<string, string>): void {
  setFields(rules, rules.labels, from, 'label', labels, found)
}
export function setAnnotations(rules: Rules, from: FieldSource, annotations: Texts, found: Map<string, string>): void {
  setFields(rules, rules.annotations, from, 'annotation', annotations, found)
}

function setFields(
  { legacy, stable }: Gates,
  fields: readonly FieldRule[],
  from: FieldSource,
  what: 'label' | 'annotation',
  texts: Texts,
  found: Map<string, string>,
): void {
  const isRenamed = renamed.includes(from)
  for (const field of fields) {
    if (field.from !== from) continue
    if (isRenamed && legacy) field.set(texts, found, (key) => `k8s.${from}.${what}s.${key}`)
    if (!isRenamed || stable) field.set(texts, found, (key) => `k8s.${from}.${what}.${key}`)
  }
}
