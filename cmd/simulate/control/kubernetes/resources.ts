/** The kinds of object that are served, and what may be done to each. */
import type { KubeObject } from './object.ts'
import type { Workloads } from './workloads.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'

interface Subresource {
  readonly kind: string
  readonly verbs: readonly string[]
  /** Where its kind is of another group. */
  readonly groupVersion?: string
}

export interface Resource {
  /** Empty: core. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly shortNames: readonly string[]
  readonly isNamespaced: boolean
  readonly verbs: readonly Verb[]
  readonly subresources: Readonly<Record<string, Subresource>>
  /** What the world shows; absent for what clients make themselves and for events. */
  readonly project?: (workloads: Workloads) => Iterable<KubeObject>
  /** An update has to name the version that it changes. */
  readonly needsVersion: boolean
}

const look: readonly Verb[] = ['get', 'list', 'watch']
const change: readonly Verb[] = [...look, 'update', 'patch']
const all: readonly Verb[] = [...change, 'create', 'delete']

function resource(
  path: string,
  kind: string,
  verbs: readonly Verb[],
  rest: Partial<Omit<Resource, 'kind' | 'verbs'>> = {},
): Resource {
  const parts = path.split('/')
  const plural = parts.pop()!
  const version = parts.pop()!
  return {
    group: parts.pop() ?? '',
    version,
    plural,
    kind,
    shortNames: [],
    isNamespaced: true,
    verbs,
    subresources: {},
    needsVersion: false,
    ...rest,
  }
}

const scale = { kind: 'Scale', verbs: ['get', 'patch', 'update'], groupVersion: 'autoscaling/v1' }

export const resources: readonly Resource[] = [
  resource('v1/namespaces', 'Namespace', look, {
    isNamespaced: false,
    shortNames: ['ns'],
    project: (w) => w.namespaces(),
  }),
  resource('v1/nodes', 'Node', change, { isNamespaced: false, shortNames: ['no'], project: (w) => w.nodes() }),
  resource('v1/pods', 'Pod', [...look, 'delete'], {
    shortNames: ['po'],
    project: (w) => w.pods(),
    subresources: { eviction: { kind: 'Eviction', verbs: ['create'], groupVersion: 'policy/v1' } },
  }),
  resource('v1/events', 'Event', look, { shortNames: ['ev'] }),
  resource('events.k8s.io/v1/events', 'Event', look, { shortNames: ['ev'] }),
  resource('apps/v1/deployments', 'Deployment', change, {
    shortNames: ['deploy'],
    project: (w) => w.deployments(),
    subresources: { scale },
  }),
  resource('apps/v1/replicasets', 'ReplicaSet', look, { shortNames: ['rs'], project: (w) => w.replicaSets() }),
  resource('autoscaling/v2/horizontalpodautoscalers', 'HorizontalPodAutoscaler', change, {
    shortNames: ['hpa'],
    project: (w) => w.autoscalers(),
  }),
  resource('policy/v1/poddisruptionbudgets', 'PodDisruptionBudget', look, {
    shortNames: ['pdb'],
    project: (w) => w.disruptionBudgets(),
  }),
  resource('coordination.k8s.io/v1/leases', 'Lease', all, { needsVersion: true }),
  resource('networking.istio.io/v1/virtualservices', 'VirtualService', all, { shortNames: ['vs'], needsVersion: true }),
  resource('networking.istio.io/v1/destinationrules', 'DestinationRule', all, {
    shortNames: ['dr'],
    needsVersion: true,
  }),
  resource('networking.istio.io/v1alpha3/envoyfilters', 'EnvoyFilter', all, { needsVersion: true }),
]

export function collectionOf({ group, plural }: Resource): string {
  return `${group}/${plural}`
}

export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`
}
