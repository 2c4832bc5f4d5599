/** What a client's change of an object means for the world: the actions that make it so, or why it cannot be. */

import { ActionError } from '../action.ts'
import type { Control, Done } from '../control.ts'
import type { Call } from './mesh.ts'
import { at, difference, type Fields, invalid, isFields, type KubeObject, StatusError } from './object.ts'
import { imageOf, restartedAtKey, versionOf, type Workloads } from './workloads.ts'

export interface Planned extends Call {
  /** What the façade itself has to remember, once it is done. */
  readonly after?: () => void
}

/** By kind, of what the world shows. Throw `StatusError`. */
export const plans: Readonly<
  Record<string, (before: KubeObject, after: KubeObject, workloads: Workloads) => readonly Planned[]>
> = { Deployment: deployment, Node: node, HorizontalPodAutoscaler: autoscaler }

/** All of them, or none and an error; `isDry` only looks whether they could be done. */
export function carryOut(
  control: Control,
  plan: readonly Planned[],
  isDry: boolean,
  about: KubeObject,
): readonly Done[] {
  const { kind, metadata } = about
  try {
    for (const { action, args } of plan) control.check(action, args)
    if (isDry) return []
    return plan.map(({ action, args, after }) => {
      const done = control.act(action, args, 'kubernetes')
      after?.()
      return done
    })
  } catch (error) {
    if (!(error instanceof ActionError)) throw error
    throw error.status === 409
      ? new StatusError('Conflict', error.message, { name: metadata.name, kind })
      : invalid(kind, metadata.name, 'spec', error.message)
  }
}

function deployment(before: KubeObject, after: KubeObject, workloads: Workloads): readonly Planned[] {
  const { name, namespace } = before.metadata
  const service = workloads.service(namespace ?? '', name)
  if (service === undefined) throw new StatusError('NotFound', `deployments.apps "${name}" not found`)
  const replicas = at(after.spec, 'replicas') ?? 1
  const image = at(after.spec, 'template', 'spec', 'containers', 0, 'image')
  const restartedAt = at(after.spec, 'template', 'metadata', 'annotations', restartedAtKey)
  const version = versionOf(image)
  const imagePath = 'spec.template.spec.containers[0].image'
  if (version === undefined || image !== imageOf(name, version)) {
    throw invalid('Deployment', name, imagePath, `${String(image)} is not there; take ${imageOf(name, '<version>')}`)
  }
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    throw invalid('Deployment', name, 'spec.replicas', 'it is a whole number, 0 at least')
  }
  refuseOthers(before, after, (spec) => {
    delete spec.replicas
    const container = at(spec, 'template', 'spec', 'containers', 0)
    if (isFields(container)) delete container.image
    const metadata = at(spec, 'template', 'metadata')
    if (!isFields(metadata)) return
    const { annotations, labels } = metadata
    if (isFields(annotations)) {
      delete annotations[restartedAtKey]
      if (Object.keys(annotations).length === 0) delete metadata.annotations
    }
    // A rollback takes the template of a ReplicaSet, as it is.
    if (isFields(labels)) delete labels['pod-template-hash']
  })
  const plan: Planned[] = []
  if (replicas !== at(before.spec, 'replicas')) plan.push({ action: 'scale', args: { service: name, replicas } })
  const versionBefore = service.revision.version.name
  const restartedBefore = at(before.spec, 'template', 'metadata', 'annotations', restartedAtKey)
  if (version === versionBefore && restartedAt === restartedBefore) return plan
  const annotation = (revision: (typeof service.revisions)[number]) =>
    at(workloads.template(service, revision), 'metadata', 'annotations', restartedAtKey)
  const earlier = service.revisions.find((one) => one.version.name === version && annotation(one) === restartedAt)
  const remember = () => {
    if (typeof restartedAt === 'string') workloads.restartedAt.set(service.revision, restartedAt)
  }
  if (earlier !== undefined && earlier !== service.revision) {
    plan.push({ action: 'rollback', args: { service: name, revision: earlier.number } })
  } else if (version !== versionBefore) {
    plan.push({ action: 'deploy', args: { service: name, version }, after: remember })
  } else plan.push({ action: 'restart', args: { service: name }, after: remember })
  return plan
}

function node(before: KubeObject, after: KubeObject): readonly Planned[] {
  const { name } = before.metadata
  refuseOthers(before, after, (spec) => {
    delete spec.unschedulable
    // The node controller keeps this one, whatever a client writes.
    delete spec.taints
  })
  const was = at(before.spec, 'unschedulable') === true
  const is = at(after.spec, 'unschedulable') === true
  return was === is ? [] : [{ action: is ? 'cordon' : 'uncordon', args: { node: name } }]
}

function autoscaler(before: KubeObject, after: KubeObject): readonly Planned[] {
  const { name } = before.metadata
  const target = ['metrics', 0, 'resource', 'target'] as const
  refuseOthers(before, after, (spec) => {
    delete spec.minReplicas
    delete spec.maxReplicas
    const aim = at(spec, ...target)
    if (isFields(aim)) delete aim.averageUtilization
  })
  if (difference(before.spec, after.spec) === undefined) return []
  const min = at(after.spec, 'minReplicas') ?? 1
  const max = at(after.spec, 'maxReplicas')
  const cpu = Number(at(after.spec, ...target, 'averageUtilization')) / 100
  return [{ action: 'set_autoscaling', args: { service: name, min, max, cpu } }]
}

/** What has no effect here must not look as if it had one. */
function refuseOthers(before: KubeObject, after: KubeObject, without: (spec: Fields) => void): void {
  const [left, right] = [structuredClone(before.spec ?? {}), withoutNulls(after.spec ?? {})]
  without(left)
  without(right)
  const path = difference(left, right)
  if (path === undefined) return
  throw invalid(before.kind, before.metadata.name, `spec.${path}`, 'it cannot be changed in this simulated cluster')
}

/** What is null is not there: Go's clients write some fields so. */
function withoutNulls(value: Fields): Fields {
  return JSON.parse(JSON.stringify(value), (_key, one: unknown) => (one === null ? undefined : one)) as Fields
}
