/** Objects as a real API server serves them, cut to the fields that matter here and some that do not. */
import type { ServedObject } from '../../pipeline/testing/kubernetes-server.ts'

export const paths = {
  pods: '/api/v1/pods',
  namespaces: '/api/v1/namespaces',
  nodes: '/api/v1/nodes',
  replicasets: '/apis/apps/v1/replicasets',
  deployments: '/apis/apps/v1/deployments',
  statefulsets: '/apis/apps/v1/statefulsets',
  daemonsets: '/apis/apps/v1/daemonsets',
  jobs: '/apis/batch/v1/jobs',
  cronjobs: '/apis/batch/v1/cronjobs',
} as const

export interface PodInit {
  readonly name: string
  readonly uid?: string
  readonly ip?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly owner?: readonly [kind: string, name: string, uid: string]
  readonly started?: string
  readonly hostNetwork?: boolean
}

export function servedPod(init: PodInit): ServedObject {
  const {
    name,
    uid = `uid-${name}`,
    ip = '10.244.0.5',
    labels = {},
    annotations = {},
    owner,
    hostNetwork = false,
  } = init
  const created = '2026-04-07T10:00:00Z'
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name,
      namespace: 'shop',
      uid,
      creationTimestamp: created,
      labels,
      annotations: { 'kubectl.kubernetes.io/default-container': 'app', ...annotations },
      ownerReferences: owner === undefined ? [] : [{ kind: owner[0], name: owner[1], uid: owner[2], controller: true }],
    },
    spec: {
      nodeName: 'node-1',
      hostNetwork,
      restartPolicy: 'Always',
      containers: [
        { name: 'app', image: 'registry.example.com/shop/app:1.2.3', imagePullPolicy: 'IfNotPresent', resources: {} },
      ],
    },
    status: {
      phase: 'Running',
      hostIP: '192.168.0.1',
      podIP: ip,
      podIPs: [{ ip }],
      startTime: init.started ?? created,
      containerStatuses: [
        {
          name: 'app',
          ready: true,
          restartCount: 1,
          image: 'registry.example.com/shop/app:1.2.3',
          imageID: `registry.example.com/shop/app@sha256:${'a'.repeat(64)}`,
          containerID: `containerd://${name}-run-1`,
          state: { running: { startedAt: created } },
        },
      ],
    },
  }
}

export function served(kind: string, name: string, more: object = {}): ServedObject {
  const isCluster = kind === 'Namespace' || kind === 'Node'
  return {
    kind,
    apiVersion: 'v1',
    metadata: { name, uid: `uid-${name}`, ...(isCluster ? {} : { namespace: 'shop' }), ...more },
    spec: { large: 'and not asked for' },
  }
}
export function controlledBy(kind: string, name: string, uid: string) {
  return { ownerReferences: [{ kind, name, uid, controller: true }] }
}
