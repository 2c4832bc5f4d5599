/** What the API serves, with its versions: every change gets the next number, and watches read on from any of them. */
import { createHash } from 'node:crypto'
import { type Fields, type KubeObject, StatusError } from './object.ts'

/** So many changes can be read again; a watch from before them is told to list anew. */
const maxChanges = 4_000
/** Of one kind that clients create. */
const maxObjects = 1_000
/** Of an object that a client made, or of the labels and annotations that it put on another. */
const maxObjectBytes = 32 * 1024

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
  readonly collection: string
  readonly object: KubeObject
  readonly before: KubeObject | undefined
}

interface Kept {
  readonly object: KubeObject
  /** To see whether a projection has changed. */
  readonly text: string
  readonly specText: string
}

interface Overlay {
  readonly labels: Record<string, string>
  readonly annotations: Record<string, string>
}

export class Store {
  version = 1_000
  readonly listeners = new Set<(change: Change) => void>()
  private readonly collections = new Map<string, Map<string, Kept>>()
  private readonly overlays = new Map<string, Overlay>()
  private readonly changes: Change[] = []
  /** The last version that was forgotten. */
  private forgotten = 0

  list(collection: string): readonly KubeObject[] {
    return [...this.of(collection).values()].map(({ object }) => object)
  }

  get(collection: string, key: string): KubeObject | undefined {
    return this.of(collection).get(key)?.object
  }

  /** What the world shows now, all of that kind. Clients' labels and annotations stay on it. */
  project(collection: string, drafts: Iterable<KubeObject>): void {
    const kept = this.of(collection)
    const gone = new Set(kept.keys())
    for (const draft of drafts) {
      const key = keyOf(draft)
      gone.delete(key)
      const overlay = this.overlays.get(`${collection} ${key}`)
      if (overlay !== undefined) {
        draft.metadata.labels = { ...overlay.labels, ...draft.metadata.labels }
        draft.metadata.annotations = { ...overlay.annotations, ...draft.metadata.annotations }
      }
      const before = kept.get(key)
      const text = JSON.stringify(draft)
      if (before?.text === text) continue
      const specText = JSON.stringify(draft.spec)
      const generation =
        before === undefined ? 1 : before.object.metadata.generation! + (before.specText === specText ? 0 : 1)
      draft.metadata.generation = generation
      if (draft.status?.observedGeneration !== undefined) draft.status.observedGeneration = generation
      this.keep(collection, key, draft, text, specText)
    }
    for (const key of gone) {
      this.drop(collection, key)
      this.overlays.delete(`${collection} ${key}`)
    }
  }

  /** Labels and annotations of clients on what the world shows. */
  overlay(collection: string, key: string, labels: Record<string, string>, annotations: Record<string, string>): void {
    this.overlays.set(`${collection} ${key}`, { labels, annotations })
  }

  /** What never changes again. */
  add(collection: string, key: string, object: KubeObject): void {
    this.keep(collection, key, object, '', '')
  }

  /** Throws where there is no room for it. Ask before anything is done because of it. */
  refuseExcess(collection: string, object: KubeObject): void {
    const size = JSON.stringify(object).length
    if (size > maxObjectBytes) {
      throw new StatusError('Invalid', `the object has ${size} characters and may have ${maxObjectBytes}`)
    }
    const kept = this.of(collection)
    if (kept.size < maxObjects || kept.has(keyOf(object))) return
    throw new StatusError('Forbidden', `exceeded quota: ${maxObjects} objects of this kind; delete some`)
  }

  /** What a client made. Its spec decides its generation. */
  put(collection: string, object: KubeObject, nowText: string): KubeObject {
    const kept = this.of(collection)
    const key = keyOf(object)
    const before = kept.get(key)
    const specText = JSON.stringify(object.spec)
    const { metadata } = object
    metadata.uid = before?.object.metadata.uid ?? uidOf(`${collection} ${key} ${this.version}`)
    metadata.creationTimestamp = before?.object.metadata.creationTimestamp ?? nowText
    metadata.generation =
      before === undefined ? 1 : before.object.metadata.generation! + (before.specText === specText ? 0 : 1)
    delete metadata.resourceVersion
    const text = JSON.stringify(object)
    if (before?.text === text) return before.object
    return this.keep(collection, key, object, text, specText)
  }

  drop(collection: string, key: string): KubeObject | undefined {
    const kept = this.of(collection)
    const before = kept.get(key)
    if (before === undefined) return undefined
    kept.delete(key)
    const version = ++this.version
    const object = { ...before.object, metadata: { ...before.object.metadata, resourceVersion: String(version) } }
    this.tell({ type: 'DELETED', version, collection, object, before: before.object })
    return object
  }

  /** Those after that version. Throws where they are forgotten. */
  since(collection: string, version: number): readonly Change[] {
    if (version < this.forgotten) {
      throw new StatusError('Expired', `too old resource version: ${version} (${this.forgotten}); list again`)
    }
    if (version > this.version) {
      throw new StatusError('Expired', `resource version ${version} is not yet known; list again`)
    }
    return this.changes.filter((change) => change.version > version && change.collection === collection)
  }

  private keep(collection: string, key: string, object: KubeObject, text: string, specText: string): KubeObject {
    const kept = this.of(collection)
    const before = kept.get(key)?.object
    const version = ++this.version
    object.metadata.resourceVersion = String(version)
    kept.set(key, { object, text, specText })
    const type = before === undefined ? 'ADDED' : 'MODIFIED'
    this.tell({ type, version, collection, object, before })
    return object
  }

  private tell(change: Change): void {
    this.changes.push(change)
    if (this.changes.length > 2 * maxChanges) {
      this.forgotten = this.changes[maxChanges - 1]!.version
      this.changes.splice(0, maxChanges)
    }
    for (const listener of this.listeners) listener(change)
  }

  private of(collection: string): Map<string, Kept> {
    let kept = this.collections.get(collection)
    if (kept === undefined) this.collections.set(collection, (kept = new Map()))
    return kept
  }
}

export function keyOf({ metadata }: { readonly metadata: Fields }): string {
  return `${(metadata.namespace as string | undefined) ?? ''}/${metadata.name as string}`
}

/** The same thing has the same one in every run. */
export function uidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
