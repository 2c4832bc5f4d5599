/** GitHub's webhooks: https://docs.github.com/webhooks/webhook-events-and-payloads. A rerun of a deployment has an id of its own there. */
import { z } from 'zod'
import { readTime } from '../../pipeline/net/json-fields.ts'
import type { Change } from '../../pipeline/vocabulary/change.ts'
import { parsed, shortSha, type ToldChange, text } from './told-change.ts'

const repository = z.object({ full_name: z.string().min(1), default_branch: text(), html_url: text() })
const person = z.object({ login: text() }).nullish()
const deployment = z.object({
  id: z.number(),
  sha: text(),
  ref: text(),
  task: text(),
  environment: text(),
  description: text(),
  created_at: text(),
  creator: person,
})
const onDeployment = z.object({ repository, deployment, sender: person })
const onStatus = z.object({
  repository,
  deployment,
  deployment_status: z.object({ state: z.string(), created_at: text(), description: text(), target_url: text() }),
  sender: person,
})
const onPush = z.object({
  repository,
  ref: z.string(),
  before: text(),
  after: z.string(),
  deleted: z.boolean().nullish(),
  compare: text(),
  head_commit: z.object({ message: text() }).nullish(),
  pusher: z.object({ name: text() }).nullish(),
})
const onRelease = z.object({
  action: z.string(),
  repository,
  release: z.object({
    id: z.number(),
    tag_name: z.string(),
    name: text(),
    html_url: text(),
    published_at: text(),
    body: text(),
  }),
  sender: person,
})

const states: Readonly<Record<string, Change['state']>> = {
  in_progress: 'started',
  success: 'finished',
  failure: 'failed',
  error: 'failed',
}
const words = { started: 'began', finished: 'is done', failed: 'failed' } as const

/** Undefined for what changes nothing. Throws `HttpError` 400 for what has not the form. */
export function readGithub(event: string, body: unknown): ToldChange | undefined {
  switch (event) {
    case 'deployment': {
      const { repository, deployment, sender } = parsed(onDeployment, body, event)
      return deployed(repository, deployment, 'started', { at: deployment.created_at, by: sender?.login ?? '' })
    }
    case 'deployment_status': {
      const { repository, deployment, deployment_status, sender } = parsed(onStatus, body, event)
      const state = states[deployment_status.state]
      const { created_at, description, target_url } = deployment_status
      if (state === undefined) return undefined
      const by = deployment.creator?.login || sender?.login || ''
      return deployed(repository, deployment, state, { at: created_at, by, description, url: target_url })
    }
    case 'push':
      return pushed(parsed(onPush, body, event))
    case 'release':
      return released(parsed(onRelease, body, event))
    default:
      return undefined
  }
}

function deployed(
  { full_name }: z.output<typeof repository>,
  { id, sha, ref, task, environment, description }: z.output<typeof deployment>,
  state: Change['state'],
  said: { readonly at: string; readonly by: string; readonly description?: string; readonly url?: string },
): ToldChange {
  const kind = /rollback|revert/i.test(task) ? 'rollback' : 'deploy'
  const to = shortSha(ref || sha)
  const where = environment === '' ? '' : ` to ${environment}`
  return {
    source: 'github',
    // That it was made and that it is in progress is the same beginning.
    key: [full_name, 'deployment', String(id), state],
    isUnnumbered: false,
    kind,
    state,
    name: full_name,
    isService: true,
    environment,
    timeNano: readTime(said.at),
    text: `${kind} of ${full_name} ${to}${where} ${words[state]}`,
    reference: said.url || sha,
    by: said.by,
    to,
    detail: said.description || description,
  }
}

function pushed({ repository, ref, before, after, deleted, compare, head_commit, pusher }: z.output<typeof onPush>) {
  const branch = ref.replace(/^refs\/heads\//, '')
  if (deleted === true || branch !== repository.default_branch) return undefined
  return {
    source: 'github',
    key: [repository.full_name, 'push', ref, after],
    isUnnumbered: false,
    kind: 'other',
    state: 'finished',
    name: repository.full_name,
    isService: true,
    environment: '',
    timeNano: undefined,
    text: `${shortSha(after)} was pushed to ${branch} of ${repository.full_name}`,
    reference: compare || after,
    by: pusher?.name,
    from: shortSha(before),
    to: shortSha(after),
    detail: head_commit?.message,
  } as const
}

function released({ action, repository, release, sender }: z.output<typeof onRelease>): ToldChange | undefined {
  if (action !== 'published') return undefined
  return {
    source: 'github',
    key: [repository.full_name, 'release', String(release.id)],
    isUnnumbered: false,
    kind: 'other',
    state: 'finished',
    name: repository.full_name,
    isService: true,
    environment: '',
    timeNano: readTime(release.published_at),
    text: `release ${release.tag_name} of ${repository.full_name} was published`,
    reference: release.html_url || release.tag_name,
    by: sender?.login,
    to: release.tag_name,
    detail: release.body || release.name,
  }
}
