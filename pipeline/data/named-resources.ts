/** Goes over the resources of a request of spans that name their service: what derives something of services has no place for the others. */
import { readKeyed } from './any-value.ts'
import { findAttribute, foundEnd } from './attributes.ts'
import { prepared } from './key.ts'
import type { Value } from './telemetry.ts'
import { resourceLevel, scopeLevel, type Tree } from './tree.ts'
import { cursor, find, uvarint } from './wire.ts'

const serviceName = prepared('service.name')

export class NamedResources {
  /** Of the resource at hand: which one it is, where its Resource message stands, ... */
  index = -1
  start = 0
  end = 0
  /** ... the value of its `service.name`, ... */
  service: Value = null
  /** ... and its spans: from the first up to, without, the last. */
  firstSpan = 0
  lastSpan = 0
  private readonly tree: Tree
  private readonly nameless: (spans: number) => void

  /** `nameless` hears how many spans each resource without `service.name` has. */
  constructor(tree: Tree, nameless: (spans: number) => void) {
    this.tree = tree
    this.nameless = nameless
  }

  /** False when there is no more. */
  next(): boolean {
    const { bytes: b, levels } = this.tree
    const resources = levels[resourceLevel]!
    const scopes = levels[scopeLevel]!
    while (++this.index < resources.size) {
      const r = this.index
      const at = find(b, resources.start[r]!, resources.end[r]!, 10)
      const length = at < 0 ? 0 : uvarint(b, at)
      this.start = at < 0 ? 0 : cursor
      this.end = this.start + length
      this.firstSpan = scopes.firstChild[resources.firstChild[r]!]!
      this.lastSpan = scopes.firstChild[resources.firstChild[r + 1]!]!
      const found = findAttribute(b, this.start, this.end, 10, serviceName)
      if (found >= 0) {
        this.service = readKeyed(b, found, foundEnd)
        return true
      }
      if (this.lastSpan > this.firstSpan) this.nameless(this.lastSpan - this.firstSpan)
    }
    return false
  }
}
