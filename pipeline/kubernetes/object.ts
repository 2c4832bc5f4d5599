/** What every object of the Kubernetes API has, as far as components read it. */
export interface OwnerReference {
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}
export interface ObjectMeta {
  readonly name?: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly creationTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
}
export interface KubernetesObject {
  readonly metadata?: ObjectMeta
}
export interface ObjectList {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items?: readonly KubernetesObject[]
}
export interface WatchEvent {
  readonly type: string
  readonly object: KubernetesObject & { readonly code?: number; readonly message?: string; readonly reason?: string }
}
