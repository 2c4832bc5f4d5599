/** Argo CD's notifications: an Application as it is in Kubernetes, `{{ toJson .app }}` of a template, or `{"app": ...}` around it. */
import { z } from 'zod'
import { readTime } from '../../pipeline/net/json-fields.ts'
import type { Change } from '../../pipeline/vocabulary/change.ts'
import { parsed, shortSha, type ToldChange, text } from './told-change.ts'

const application = z.object({
  metadata: z.object({ name: z.string().min(1), namespace: text() }),
  status: z.object({
    operationState: z.object({
      phase: z.string(),
      message: text(),
      startedAt: z.string(),
      finishedAt: text(),
      operation: z
        .object({ initiatedBy: z.object({ username: text(), automated: z.boolean().nullish() }).nullish() })
        .nullish(),
      syncResult: z.object({ revision: text() }).nullish(),
    }),
    history: z.array(z.object({ revision: text() })).nullish(),
  }),
})

const states: Readonly<Record<string, Change['state']>> = {
  Running: 'started',
  Succeeded: 'finished',
  Failed: 'failed',
  Error: 'failed',
}
const words = { started: 'began', finished: 'is done', failed: 'failed' } as const

/** Undefined for what changes nothing. Throws `HttpError` 400 for what has not the form. */
export function readArgoCd(body: unknown): ToldChange | undefined {
  const inner = typeof body === 'object' && body !== null && 'app' in body ? body.app : body
  const { metadata, status } = parsed(application, inner, 'the Application')
  const { phase, message, startedAt, finishedAt, operation, syncResult } = status.operationState
  const state = states[phase]
  if (state === undefined) return undefined
  const revision = syncResult?.revision ?? ''
  // A sync that is done stands last in the history itself.
  const before = (status.history ?? []).map((one) => one.revision)
  if (state === 'finished' && before.at(-1) === revision) before.pop()
  const from = before.at(-1)
  const isBack = from !== revision && revision !== '' && before.includes(revision)
  const by = operation?.initiatedBy
  return {
    source: 'argo_cd',
    key: [metadata.namespace, metadata.name, startedAt, revision, state],
    isUnnumbered: false,
    kind: isBack ? 'rollback' : 'deploy',
    state,
    name: metadata.name,
    isService: true,
    environment: '',
    timeNano: readTime(state === 'started' ? startedAt : finishedAt || startedAt),
    text: `${isBack ? 'rollback' : 'sync'} of ${metadata.name} to ${shortSha(revision) || 'its newest revision'} ${words[state]}`,
    reference: revision,
    by: by?.username || (by?.automated === true ? 'automated sync' : ''),
    from: from === revision ? '' : shortSha(from ?? ''),
    to: shortSha(revision),
    detail: message,
  }
}
