/** The containers of a pod, by name and by id, with each run of them that is known. */
import { type ApiPod, wantsContainers } from './api-pod.ts'
import { canonicalReference, parseReference, versionOf } from './image-reference.ts'
import type { Rules } from './rules.ts'

export interface Run {
  readonly containerId: string
  readonly imageRepoDigest: string
}
export interface Container {
  name: string
  imageName: string
  imageTag: string
  imageTags: readonly string[]
  serviceInstanceId: string
  serviceVersion: string
  /** By restart count. */
  readonly runs: Map<number, Run>
}
export interface Containers {
  readonly byName: ReadonlyMap<string, Container>
  readonly byId: ReadonlyMap<string, Container>
}

const none: Containers = { byName: new Map(), byId: new Map() }

export function containersOf(api: ApiPod, rules: Rules): Containers {
  if (!wantsContainers(rules)) return none
  const { wants } = rules
  const byName = new Map<string, Container>()
  const byId = new Map<string, Container>()
  const images = ['container.image.name', 'container.image.tag', 'container.image.tags']
  if (wants(...images, 'service.version', 'service.instance.id')) {
    for (const { name, image } of api.containers) {
      const container = emptyContainer()
      const parsed = parseReference(image)
      if (parsed !== undefined) {
        const tag = parsed.tag || 'latest'
        if (wants('container.image.name')) container.imageName = parsed.name
        if (wants('container.image.tag') && rules.legacy) container.imageTag = tag
        if (wants('container.image.tags') && rules.stable) container.imageTags = [tag]
        if (wants('service.version')) container.serviceVersion = versionOf(parsed) ?? ''
      }
      byName.set(name, container)
    }
  }
  for (const { name, containerId, imageId, restartCount } of api.statuses) {
    let container = byName.get(name)
    if (container === undefined) {
      container = emptyContainer()
      byName.set(name, container)
    }
    if (wants('k8s.container.name')) container.name = name
    if (wants('service.instance.id')) container.serviceInstanceId = `${api.namespace}.${api.name}.${name}`
    const id = withoutRuntime(containerId)
    byId.set(id, container)
    if (wants('container.id', 'container.image.repo_digests')) {
      container.runs.set(restartCount, {
        containerId: wants('container.id') ? id : '',
        imageRepoDigest: wants('container.image.repo_digests') ? (canonicalReference(imageId) ?? '') : '',
      })
    }
  }
  return { byName, byId }
}

function emptyContainer(): Container {
  return {
    name: '',
    imageName: '',
    imageTag: '',
    imageTags: [],
    serviceInstanceId: '',
    serviceVersion: '',
    runs: new Map(),
  }
}

/** `containerd://<id>`. */
function withoutRuntime(id: string): string {
  const parts = id.split('://')
  return parts.length === 2 ? (parts[1] ?? '') : id
}
