import { z } from 'zod'
import { globPattern, knownServicesShape } from '../../pipeline/capability/known-services.ts'
import { duration, list, optional } from '../../pipeline/config/fields.ts'
import { httpServerShape } from '../../pipeline/net/http-server-keys.ts'
import { anomalyTypes } from '../../pipeline/vocabulary/anomaly.ts'

const urlPath = (path: string) =>
  z
    .string()
    .regex(/^\/[^?#\s]*$/, 'a path that begins with /')
    .default(path)
    .describe('Where it is posted.')
const labels = (...names: readonly string[]) => list(z.string()).default([...names])
/** Steps by dots: `event.tags`. */
const field = () => z.string().default('')

const apiKeys = z.strictObject({
  path: urlPath('/api/v2/alerts'),
  resolve_timeout: duration()
    .default(300_000)
    .describe('An alert without an end is over when nobody repeats it for so long, as in Alertmanager.'),
})
const webhookKeys = (path: string) => z.strictObject({ path: urlPath(path) })

const generic = z.strictObject({
  path: urlPath('/alerts'),
  source: z.string().min(1).describe('What the events call it.'),
  items: field().describe('The field that has the list of alerts; empty = the body is the list, or the only one.'),
  id: z.string().min(1).describe('The field that says which alert it is: the same at its end as at its beginning.'),
  name: field().describe('The field with the name of the rule; empty = the id.'),
  text: field().describe('The field with what people read.'),
  state: field().describe('The field that says whether it is over; empty = it never is, but for `stale_after`.'),
  resolved: list(z.string())
    .default(['resolved', 'ok', 'closed', 'cleared', 'recovery', 'recovered', 'up', 'normal', 'inactive'])
    .describe('Values of `state`, in any case, with which it is over.'),
  severity: field().describe('The field with its severity; it counts as the label `severity`.'),
  starts: field().describe('The field with when it began: RFC 3339, or seconds or milliseconds since 1970.'),
  ends: field().describe('The field with when it ended.'),
  url: field().describe('The field with where to look at it.'),
  labels: field().describe('The field with a map of labels.'),
  label_fields: z
    .record(z.string(), z.string())
    .default({})
    .describe('Further labels, each with the field that has it: `{ service: host.name }`.'),
})
export type GenericSettings = z.output<typeof generic>

export const config = z
  .strictObject({
    ...httpServerShape({ endpoint: 'localhost:9093' }),
    max_request_body_size: z
      .int()
      .min(1)
      .default(5_242_880)
      .describe('Largest body in bytes, before and after decompression.'),
    alertmanager: optional(apiKeys, 'default-on').describe(
      "Alertmanager's API v2, as Prometheus, Mimir, Loki and others post to it: name this receiver as one of their Alertmanagers.",
    ),
    alertmanager_webhook: optional(webhookKeys('/alertmanager'), 'default-on').describe(
      'The webhook of an Alertmanager, version 4.',
    ),
    grafana: optional(webhookKeys('/grafana'), 'default-on').describe("The webhook of Grafana's alerting."),
    generic: z.array(generic).default([]).describe('JSON of others, by where its fields are.'),
    ignore: list(globPattern())
      .default(['Watchdog', 'DeadMansSwitch', 'InfoInhibitor'])
      .describe('Names of alerts, or globs, that say nothing about the system: those that always fire.'),
    wakes: z
      .record(z.string(), list(z.string()))
      .default({ severity: ['page', 'critical'] })
      .describe('Labels that make an alert a page, which may wake a person: any of them, with any of these values.'),
    types: z
      .array(
        z.strictObject({
          alert: globPattern().describe('Name of the alert, or a glob.'),
          type: z.enum(anomalyTypes).describe('What it says.'),
        }),
      )
      .default([])
      .describe(
        'What kind of thing is wrong, by the name of the alert; else labels and words of the name say it, or it is `unusual`.',
      ),
    service_labels: labels(
      'service_name',
      'service.name',
      'service',
      'app_kubernetes_io_name',
      'app',
      'application',
      'deployment',
      'statefulset',
      'daemonset',
      'container',
      'job',
    ).describe('Labels that say which service it is about, the first that is there counts.'),
    environment_labels: labels('deployment_environment_name', 'deployment_environment', 'environment', 'env').describe(
      'The same for the environment.',
    ),
    namespace_labels: labels('service_namespace', 'namespace').describe('The same for the namespace.'),
    cluster_labels: labels('k8s_cluster_name', 'cluster').describe('The same for the cluster.'),
    node_labels: labels('node', 'k8s_node_name', 'instance', 'host', 'hostname').describe(
      'The same for a machine, where no service is named.',
    ),
    owner_labels: labels('team', 'owner').describe('The same for whose it is.'),
    ...knownServicesShape,
    onset_uncertainty: duration()
      .default(120_000)
      .describe('By how much the beginning may be wrong: an alert begins after its condition has held for a while.'),
    stale_after: duration()
      .default(43_200_000)
      .describe('An alert that came by webhook is over when nobody speaks of it for so long; 0 = never.'),
    max_alerts: z
      .int()
      .min(1)
      .default(10_000)
      .describe('Of so many it is known that they are active; the one longest unheard is forgotten for a new one.'),
  })
  .superRefine((settings, context) => {
    const problem = (message: string, path: (string | number)[]) => context.addIssue({ code: 'custom', message, path })
    const { alertmanager, alertmanager_webhook, grafana } = settings
    if (settings.endpoint === '') problem('say where to listen: host:port', ['endpoint'])
    const paths = [
      alertmanager?.path,
      alertmanager_webhook?.path,
      grafana?.path,
      ...settings.generic.map(({ path }) => path),
    ]
    const given = paths.filter((path) => path !== undefined)
    if (given.length === 0)
      problem('there is nothing to listen for: turn one of alertmanager, alertmanager_webhook, grafana, generic on', [])
    const twice = given.find((path, i) => given.indexOf(path) !== i)
    if (twice !== undefined) problem(`two things are posted to ${twice}; give each a path of its own`, [])
    for (const key of ['onset_uncertainty', 'stale_after'] as const)
      if (settings[key] < 0) problem('must not be negative', [key])
    if (alertmanager !== undefined && alertmanager.resolve_timeout <= 0)
      problem('must be greater than 0', ['alertmanager', 'resolve_timeout'])
  })
export type Config = z.output<typeof config>
