import { z } from 'zod'
import { duration } from '../../pipeline/config/fields.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import { kubernetesProblem, kubernetesShape } from '../../pipeline/kubernetes/api-keys.ts'
import { Regex } from '../../pipeline/ottl/regex.ts'

const metadataNames: readonly string[] = [
  ...['namespace.name', 'pod.name', 'pod.uid', 'pod.hostname', 'pod.start_time', 'pod.ip'].map((name) => `k8s.${name}`),
  ...['deployment', 'replicaset', 'daemonset', 'statefulset', 'job', 'cronjob', 'node'].flatMap((kind) => [
    `k8s.${kind}.name`,
    `k8s.${kind}.uid`,
  ]),
  'k8s.container.name',
  'k8s.cluster.uid',
  ...['id', 'image.name', 'image.tag', 'image.tags', 'image.repo_digests'].map((name) => `container.${name}`),
  ...['namespace', 'name', 'version', 'instance.id'].map((name) => `service.${name}`),
]
export const fieldSources = [
  'pod',
  'namespace',
  'deployment',
  'replicaset',
  'statefulset',
  'daemonset',
  'job',
  'cronjob',
  'node',
] as const
export type FieldSource = (typeof fieldSources)[number]
const mostSources = 4

const field = z
  .strictObject({
    tag_name: z
      .string()
      .default('')
      .describe('The attribute; with `key_regex`, `$1` and `$name` in it are its groups. Empty = made of the key.'),
    key: z.string().default('').describe('The name of the label or annotation.'),
    key_regex: z.string().default('').describe('An RE2 pattern for the whole name, instead of `key`.'),
    from: z
      .string()
      .default('')
      .describe(`Whose: ${fieldSources.join(', ')}; empty = pod.`),
  })
  .superRefine(({ key, key_regex, from }, context) => {
    const problem = (message: string, path: string) => context.addIssue({ code: 'custom', message, path: [path] })
    if (key !== '' && key_regex !== '') {
      const both = `currently Key:${key} and KeyRegex:${key_regex}`
      problem(`Out of Key or KeyRegex only one option is expected to be configured at a time, ${both}`, 'key_regex')
    }
    if (from !== '' && !(fieldSources as readonly string[]).includes(from)) {
      problem(`${from} is not a valid choice for From. Must be one of: ${fieldSources.join(', ')}`, 'from')
    }
    const wrong = wrongPattern(key_regex)
    if (wrong !== undefined) problem(wrong, 'key_regex')
  })
export type FieldSettings = z.output<typeof field>

const filterOf = (operations: readonly string[]) =>
  z
    .strictObject({
      key: z.string().default('').describe('The name.'),
      value: z.string().default('').describe('What it is compared with.'),
      op: z
        .string()
        .default('')
        .describe(`How: ${operations.join(', ')}; empty = equals.`),
    })
    .superRefine(({ key, value, op }, context) => {
      if (op === '' || operations.includes(op)) return
      const message = `'${op}' is not a valid label filter operation for key=${key}, value=${value}`
      context.addIssue({ code: 'custom', message, path: ['op'] })
    })
export type FilterSettings = z.output<ReturnType<typeof filterOf>>

const extract = z.strictObject({
  metadata: z
    .array(
      z.string().refine((name) => metadataNames.includes(name), {
        error: ({ input }) => `${JSON.stringify(input)} is not a supported metadata field`,
      }),
    )
    .optional()
    .describe(
      'The attributes that are set. Absent = k8s.namespace.name, k8s.pod.name, k8s.pod.uid, k8s.pod.start_time, k8s.deployment.name, k8s.node.name, container.image.name and container.image.tag.',
    ),
  annotations: z.array(field).default([]).describe('Annotations that become attributes.'),
  labels: z.array(field).default([]).describe('Labels that become attributes.'),
  otel_annotations: z
    .boolean()
    .default(false)
    .describe('Whether `resource.opentelemetry.io/<name>` of a pod becomes the attribute `<name>`.'),
  deployment_name_from_replicaset: z
    .boolean()
    .default(false)
    .describe('Kept for compatibility: the name of the deployment always comes of the ReplicaSet.'),
})

const filter = z
  .strictObject({
    node: z.string().default('').describe('Only pods of this node.'),
    node_from_env_var: z.string().default('').describe('The variable that holds the name of this node.'),
    namespace: z.string().default('').describe('Only pods of this namespace.'),
    fields: z
      .array(filterOf(['equals', 'not-equals']))
      .default([])
      .describe('Only pods with such fields.'),
    labels: z
      .array(filterOf(['equals', 'not-equals', 'exists', 'does-not-exist']))
      .default([])
      .describe('Only pods with such labels.'),
  })
  .superRefine(({ node_from_env_var: name }, context) => {
    if (name === '' || process.env[name] !== undefined) return
    const message = `\`node_from_env_var\` is configured but envvar ${JSON.stringify(name)} is not set`
    context.addIssue({ code: 'custom', message, path: ['node_from_env_var'] })
  })

const source = z.strictObject({
  from: z.string().default('').describe('`connection` (the address of the sender) or `resource_attribute`.'),
  name: z.string().default('').describe('Of `resource_attribute`: which one.'),
})
const association = z.strictObject({
  sources: z.array(source).default([]).describe('What identifies the pod; all of it must be there. Four at most.'),
})
export type AssociationSettings = z.output<typeof association>

const exclude = z.strictObject({
  pods: z
    .array(
      z.strictObject({
        name: z
          .string()
          .default('')
          .superRefine((pattern, context) => {
            const message = wrongPattern(pattern)
            if (message !== undefined) context.addIssue({ code: 'custom', message })
          })
          .describe('An RE2 pattern for a part of the name.'),
      }),
    )
    .default([{ name: 'jaeger-agent' }, { name: 'jaeger-collector' }])
    .describe('Pods of which nothing is said.'),
})

export const config = z
  .strictObject({
    ...kubernetesShape,
    passthrough: z
      .boolean()
      .default(false)
      .describe('Sets `k8s.pod.ip` to the address of the sender and does not ask Kubernetes.'),
    extract: extract.prefault({}).describe('What is said of a pod.'),
    filter: filter.prefault({}).describe('Which pods are watched.'),
    pod_association: z
      .array(association)
      .default([])
      .describe(
        'How a resource is matched to its pod, the first that applies. Absent = by k8s.pod.ip, ip, sender, host.name.',
      ),
    exclude: exclude.prefault({}).describe('What is left alone.'),
    wait_for_metadata: z.boolean().default(false).describe('Whether the start waits until all pods are known.'),
    wait_for_metadata_timeout: duration().default(10_000).describe('How long at most; then the start fails.'),
    watch_sync_period: duration()
      .default(300_000)
      .describe('How often everything known is evaluated again; 0 = never.'),
    pod_delete_grace_period: duration()
      .default(120_000)
      .describe('How long a pod that was deleted is remembered, for data that is still under way.'),
  })
  .superRefine((settings, context) => {
    const problem = (message: string, ...path: (string | number)[]) =>
      context.addIssue({ code: 'custom', message, path })
    const wrong = kubernetesProblem(settings)
    if (wrong !== undefined) problem(wrong)
    for (const key of ['watch_sync_period', 'pod_delete_grace_period'] as const)
      if (settings[key] < 0) problem(`${key} must be greater than or equal to 0`, key)
    const seen = new Set<string>()
    for (const [i, { sources }] of settings.pod_association.entries()) {
      if (sources.length > mostSources)
        problem(`too many association sources. limit is ${mostSources}`, 'pod_association', i)
      const key = sources
        .map(({ from, name }) => `${from}/${name}`)
        .sort()
        .join(',')
      if (seen.has(key)) problem(`duplicate pod association: ${key}`, 'pod_association', i)
      seen.add(key)
    }
  })
export type Config = z.output<typeof config>

function wrongPattern(pattern: string): string | undefined {
  try {
    void new Regex(`^(?:${pattern})$`)
    return undefined
  } catch (error) {
    return errorMessage(error)
  }
}
