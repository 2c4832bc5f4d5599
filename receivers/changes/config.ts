import { z } from 'zod'
import { knownServicesShape } from '../../pipeline/capability/known-services.ts'
import { list, optional, secret } from '../../pipeline/config/fields.ts'
import { httpServerShape } from '../../pipeline/net/http-server-keys.ts'
import { changeSchema } from '../../pipeline/vocabulary/change.ts'

const urlPath = (path: string) =>
  z
    .string()
    .regex(/^\/[^?#\s]*$/, 'a path that begins with /')
    .default(path)
    .describe('Where it is posted.')
/** Steps by dots: `event.author`. */
const field = () => z.string().default('')
const token = () =>
  secret().default('').describe('What a sender must send as `Authorization: Bearer`; empty = all may.')
const openKeys = (path: string) => z.strictObject({ path: urlPath(path), token: token() })

const generic = z.strictObject({
  path: urlPath('/changes'),
  token: token(),
  source: z.string().min(1).describe('What the events call the sender.'),
  kind: changeSchema.shape.kind.default('other').describe('What kind of change it tells of.'),
  items: field().describe('The field that has the list of changes; empty = the body is the list, or the only one.'),
  text: z.string().min(1).default('text').describe('The field with what people read.'),
  id: field().describe('The field that says which change it is; empty = what it says, and when.'),
  service: field().describe('The field with the name of what was changed.'),
  environment: field().describe('The field with its environment.'),
  time: field().describe('The field with when: RFC 3339, or seconds or milliseconds since 1970; empty = when it came.'),
  state: field().describe('The field that says how far it is; empty = it is done.'),
  started: list(z.string())
    .default(['started', 'running', 'in_progress'])
    .describe('Values of `state`, in small letters, with which it begins.'),
  failed: list(z.string())
    .default(['failed', 'failure', 'error'])
    .describe('Values of `state`, in small letters, with which it failed; all others say that it is done.'),
  reference: field().describe('The field with its id or URL there.'),
  by: field().describe('The field with who did it.'),
  from: field().describe('The field with what it was.'),
  to: field().describe('The field with what it is now.'),
  detail: field().describe('The field with more words.'),
})
export type GenericSettings = z.output<typeof generic>

export const config = z
  .strictObject({
    ...httpServerShape({ endpoint: 'localhost:4393' }),
    note: optional(openKeys('/note'), 'default-on').describe('Notes of people: `vigil note`.'),
    argo_cd: optional(openKeys('/argo_cd'), 'default-on').describe('Notifications of Argo CD.'),
    flags: optional(openKeys('/flags'), 'default-on').describe('Changes of feature flags: flagd, OpenFeature.'),
    github: optional(
      z.strictObject({
        path: urlPath('/github'),
        secret: secret().min(1).describe('The secret of the webhook, which signs each body.'),
      }),
      'off',
    ).describe('Webhooks of GitHub: deployment, deployment_status, push, release.'),
    gitlab: optional(
      z.strictObject({
        path: urlPath('/gitlab'),
        token: secret().min(1).describe('The secret token of the webhook.'),
      }),
      'off',
    ).describe('Webhooks of GitLab: deployment, pipeline, push, release.'),
    generic: z.array(generic).default([]).describe('JSON of others, by where its fields are.'),
    ...knownServicesShape,
    max_remembered: z
      .int()
      .min(1)
      .default(10_000)
      .describe('Of so many changes it is known that they were told; the oldest is forgotten for a new one.'),
  })
  .superRefine((settings, context) => {
    const problem = (message: string, path: (string | number)[]) => context.addIssue({ code: 'custom', message, path })
    const { note, argo_cd, flags, github, gitlab } = settings
    if (settings.endpoint === '') problem('say where to listen: host:port', ['endpoint'])
    const paths = [note, argo_cd, flags, github, gitlab, ...settings.generic].flatMap((one) => one?.path ?? [])
    if (paths.length === 0)
      problem('there is nothing to listen for: turn one of note, argo_cd, flags, github, gitlab, generic on', [])
    const twice = paths.find((path, i) => paths.indexOf(path) !== i)
    if (twice !== undefined) problem(`two things are posted to ${twice}; give each a path of its own`, [])
  })
export type Config = z.output<typeof config>
