/** GitLab's webhooks: https://docs.gitlab.com/user/project/integrations/webhook_events. */
import { z } from 'zod'
import { readTime } from '../../pipeline/net/json-fields.ts'
import type { Change } from '../../pipeline/vocabulary/change.ts'
import { parsed, shortSha, type ToldChange, text } from './told-change.ts'

const project = z.object({ path_with_namespace: z.string().min(1), default_branch: text() })
const person = z.object({ username: text() }).nullish()
const onDeployment = z.object({
  project,
  status: z.string(),
  status_changed_at: text(),
  deployment_id: z.number(),
  deployable_url: text(),
  environment: text(),
  short_sha: text(),
  user: person,
  commit_title: text(),
})
const onPipeline = z.object({
  project,
  object_attributes: z.object({
    id: z.number(),
    ref: text(),
    sha: text(),
    status: z.string(),
    created_at: text(),
    finished_at: text(),
    url: text(),
  }),
  user: person,
  commit: z.object({ title: text() }).nullish(),
  builds: z.array(z.object({ environment: z.object({ name: text() }).nullish() })).nullish(),
})
const onPush = z.object({
  project,
  ref: z.string(),
  before: text(),
  after: z.string(),
  user_username: text(),
  commits: z.array(z.object({ message: text() })).nullish(),
})
const onRelease = z.object({
  project,
  action: z.string(),
  id: z.number(),
  tag: z.string(),
  name: text(),
  description: text(),
  url: text(),
  released_at: text(),
})

const states: Readonly<Record<string, Change['state']>> = {
  running: 'started',
  success: 'finished',
  failed: 'failed',
  canceled: 'failed',
}
const words = { started: 'began', finished: 'is done', failed: 'failed' } as const

/** Undefined for what changes nothing. Throws `HttpError` 400 for what has not the form. */
export function readGitlab(body: unknown): ToldChange | undefined {
  const { object_kind } = parsed(z.object({ object_kind: z.string() }), body, 'the body')
  switch (object_kind) {
    case 'deployment': {
      const told = parsed(onDeployment, body, object_kind)
      return deployed(told.project.path_with_namespace, told.status, {
        key: ['deployment', String(told.deployment_id)],
        environment: told.environment,
        to: told.short_sha,
        at: told.status_changed_at,
        url: told.deployable_url,
        by: told.user?.username ?? '',
        detail: told.commit_title,
      })
    }
    case 'pipeline': {
      const { project, object_attributes: run, user, commit, builds } = parsed(onPipeline, body, object_kind)
      // One that deploys nowhere changes nothing that runs.
      const environment = builds?.find((one) => (one.environment?.name ?? '') !== '')?.environment?.name
      if (environment === undefined) return undefined
      return deployed(project.path_with_namespace, run.status, {
        key: ['pipeline', String(run.id)],
        environment,
        to: shortSha(run.sha),
        at: run.status === 'running' ? run.created_at : run.finished_at,
        url: run.url,
        by: user?.username ?? '',
        detail: commit?.title ?? '',
      })
    }
    case 'push':
      return pushed(parsed(onPush, body, object_kind))
    case 'release':
      return released(parsed(onRelease, body, object_kind))
    default:
      return undefined
  }
}

interface Deployed {
  readonly key: readonly string[]
  readonly environment: string
  readonly to: string
  readonly at: string
  readonly url: string
  readonly by: string
  readonly detail: string
}

function deployed(path: string, status: string, said: Deployed): ToldChange | undefined {
  const state = states[status]
  if (state === undefined) return undefined
  const { key, environment, to, at, url, by, detail } = said
  const where = environment === '' ? '' : ` to ${environment}`
  return {
    source: 'gitlab',
    key: [path, ...key, state],
    isUnnumbered: false,
    kind: 'deploy',
    state,
    name: path,
    isService: true,
    environment,
    timeNano: readTime(at),
    text: `deploy of ${path} ${to}${where} ${status === 'canceled' ? 'was canceled' : words[state]}`,
    reference: url,
    by,
    to,
    detail,
  }
}

function pushed({ project, ref, before, after, user_username, commits }: z.output<typeof onPush>) {
  const branch = ref.replace(/^refs\/heads\//, '')
  if (branch !== project.default_branch || /^0+$/.test(after)) return undefined
  return {
    source: 'gitlab',
    key: [project.path_with_namespace, 'push', ref, after],
    isUnnumbered: false,
    kind: 'other',
    state: 'finished',
    name: project.path_with_namespace,
    isService: true,
    environment: '',
    timeNano: undefined,
    text: `${shortSha(after)} was pushed to ${branch} of ${project.path_with_namespace}`,
    reference: after,
    by: user_username,
    from: shortSha(before),
    to: shortSha(after),
    detail: commits?.at(-1)?.message,
  } as const
}

function released({ project, action, id, tag, name, description, url, released_at }: z.output<typeof onRelease>) {
  if (action !== 'create') return undefined
  return {
    source: 'gitlab',
    key: [project.path_with_namespace, 'release', String(id)],
    isUnnumbered: false,
    kind: 'other',
    state: 'finished',
    name: project.path_with_namespace,
    isService: true,
    environment: '',
    timeNano: readTime(released_at),
    text: `release ${tag} of ${project.path_with_namespace} was published`,
    reference: url,
    to: tag,
    detail: description || name,
  } as const
}
