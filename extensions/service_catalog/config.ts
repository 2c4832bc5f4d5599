import { z } from 'zod'
import { duration, list } from '../../pipeline/config/fields.ts'
import { issuesOf } from '../../pipeline/config/issues.ts'
import { serviceEntry } from './own-format.ts'

const names = (all: readonly string[], what: string) =>
  list(z.string())
    .default([...all])
    .describe(`Names of attributes, labels and annotations that say ${what}, the first one that is there counts.`)

export const config = z
  .strictObject({
    files: list(z.string())
      .default([])
      .describe(
        'Files, and folders with YAML files, in our own short format or as Backstage has them (`catalog-info.yaml`).',
      ),
    services: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Services by name, as under `services` in a file of the short format. They go before all files.'),
    file_interval: duration().default(10_000).describe('How often the files are looked at for changes; 0 = never.'),
    attributes: z
      .strictObject({
        owner: names(['service.owner', 'owner', 'team', 'app.kubernetes.io/team'], 'whose a service is'),
        tier: names(['service.tier', 'tier', 'service.criticality', 'criticality'], 'how much it matters'),
        runbook: names(['service.runbook', 'runbook', 'runbook-url', 'runbook_url'], 'what to do'),
        description: names(['service.description', 'kubernetes.io/description'], 'what it is'),
        slack: names(['service.slack', 'slack', 'slack-channel', 'slack.com/channel'], 'the channel of its owner'),
        email: names(['service.email', 'owner-email'], 'the mail address of its owner'),
        pagerduty: names(['service.pagerduty', 'pagerduty', 'pagerduty.com/service-id'], 'its PagerDuty service'),
        opsgenie: names(['service.opsgenie', 'opsgenie', 'opsgenie.com/team'], 'its Opsgenie team'),
      })
      .prefault({})
      .describe(
        'What resource attributes, Kubernetes labels and annotations (`k8s.*.label.*`, `k8s.*.annotation.*`) and labels and annotations of Backstage entities say.',
      ),
    max_services: z
      .int()
      .min(1)
      .default(10_000)
      .describe(
        'How many services are known by what telemetry says of them; the one longest unseen is forgotten for a new one.',
      ),
    max_entries: z
      .int()
      .min(1)
      .default(50_000)
      .describe('How many entries of files are kept; more are left out and reported.'),
  })
  .superRefine((settings, context) => {
    if (settings.file_interval < 0)
      context.addIssue({ code: 'custom', message: 'file_interval must not be negative', path: ['file_interval'] })
    for (const [name, entry] of Object.entries(settings.services))
      for (const { path, message } of issuesOf(serviceEntry, entry))
        context.addIssue({ code: 'custom', message, path: ['services', name, ...path] })
  })
export type Config = z.output<typeof config>
export type AttributeNames = Config['attributes']
