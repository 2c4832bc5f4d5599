/**
 * Resources and scopes that statements on their items write to. The handles of items are read-only there, so what is written is kept in drafts, which
 * later items of the same resource see, and is written to the real thing in a second pass, if there was anything.
 */
import { ResourceView, ScopeView } from '../data/place.ts'
import type { Editable, Logs, Metrics, Resource, Scope, Traces } from '../data/telemetry.ts'
import { AttributesDraft } from './attributes-draft.ts'
import { fail } from './problems.ts'

type Items = Traces | Metrics | Logs

class PlaceDraft {
  readonly attributes: AttributesDraft
  private readonly scalars = new Map<string, unknown>()

  constructor(of: Resource | Scope) {
    this.attributes = new AttributesDraft(of.attributes)
  }

  protected read<T>(name: string, before: T): T {
    return this.scalars.has(name) ? (this.scalars.get(name) as T) : before
  }
  protected write(name: string, value: unknown): void {
    this.scalars.set(name, value)
  }

  get isChanged(): boolean {
    return this.attributes.isChanged || this.scalars.size > 0
  }

  applyTo(target: Editable<Resource> | Editable<Scope>): void {
    this.attributes.applyTo(target.attributes)
    for (const [name, value] of this.scalars) Object.assign(target, { [name]: value })
  }
}

class ResourceDraft extends PlaceDraft implements Editable<Resource> {
  private readonly of: Resource

  constructor(of: Resource) {
    super(of)
    this.of = of
  }
  get droppedAttributesCount(): number {
    return this.read('droppedAttributesCount', this.of.droppedAttributesCount)
  }
  set droppedAttributesCount(count: number) {
    this.write('droppedAttributesCount', count)
  }
  get schemaUrl(): string {
    return this.read('schemaUrl', this.of.schemaUrl)
  }
  set schemaUrl(url: string) {
    this.write('schemaUrl', url)
  }
}

class ScopeDraft extends ResourceDraft implements Editable<Scope> {
  private readonly scope: Scope

  constructor(scope: Scope) {
    super(scope)
    this.scope = scope
  }
  get name(): string {
    return this.read('name', this.scope.name)
  }
  set name(name: string) {
    this.write('name', name)
  }
  get version(): string {
    return this.read('version', this.scope.version)
  }
  set version(version: string) {
    this.write('version', version)
  }
}

/** The drafts of one run over a batch. */
export class PlaceDrafts {
  private readonly resources = new Map<Resource, ResourceDraft>()
  private readonly scopes = new Map<Scope, ScopeDraft>()

  resource(of: Resource): Editable<Resource> {
    let draft = this.resources.get(of)
    if (draft === undefined) this.resources.set(of, (draft = new ResourceDraft(of)))
    return draft
  }

  scope(of: Scope): Editable<Scope> {
    let draft = this.scopes.get(of)
    if (draft === undefined) this.scopes.set(of, (draft = new ScopeDraft(of)))
    return draft
  }

  /** `edited` is the batch after the items were edited: same resources and scopes, in the same order. */
  applyTo<B extends Items>(original: B, edited: B): B {
    const resources = this.inOrder(this.resources, (visit) => original.editResources(visit))
    const scopes = this.inOrder(this.scopes, (visit) => original.editScopes(visit))
    let result: Items = edited
    if (resources.length > 0) {
      let i = 0
      result = result.editResources((resource) => resources[i++]?.applyTo(resource))
    }
    if (scopes.length > 0) {
      let i = 0
      result = result.editScopes((scope) => scopes[i++]?.applyTo(scope))
    }
    return result as B
  }

  /** By the number of the place in the batch; empty if nothing changed. */
  private inOrder<D extends PlaceDraft>(
    drafts: ReadonlyMap<Resource | Scope, D>,
    visitAll: (visit: (place: object) => void) => void,
  ): (D | undefined)[] {
    const found: (D | undefined)[] = []
    const changed = [...drafts].filter(([, draft]) => draft.isChanged)
    if (changed.length === 0) return found
    const byPlace = new Map<Uint8Array, Map<number, D>>()
    for (const [place, draft] of changed) {
      const [bytes, at] = position(place)
      let ofChunk = byPlace.get(bytes)
      if (ofChunk === undefined) byPlace.set(bytes, (ofChunk = new Map()))
      ofChunk.set(at, draft)
    }
    visitAll((place) => {
      const [bytes, at] = position(place)
      found.push(byPlace.get(bytes)?.get(at))
    })
    return found
  }
}

/** Which resource or scope it is: its chunk, and where its holder begins there. */
function position(place: object): readonly [Uint8Array, number] {
  if (place instanceof ResourceView || place instanceof ScopeView) return [place.b, place.holderStart]
  return fail('a resource that stands in no batch cannot be written to')
}
