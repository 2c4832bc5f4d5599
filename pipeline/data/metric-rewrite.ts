/** Rewrites the metrics of a batch group by group: lists that may grow, shrink and change, of which only the changed parts are encoded again. */
import { errorMessage } from '../error-message.ts'
import { chunkCounts, fromChunks } from './batch.ts'
import { Session } from './edit.ts'
import { Places } from './place.ts'
import { MetricRewrite } from './rewritten-metric.ts'
import type { Metrics, Resource, Scope } from './telemetry.ts'
import { metricLevel, resourceLevel, scopeLevel, Tree } from './tree.ts'
import { type Writer, written } from './writer.ts'

/** What one ScopeMetrics holds. */
export interface MetricGroup {
  readonly resource: Resource
  readonly scope: Scope
  /** To be changed in place, or replaced. Left empty, the group disappears. */
  metrics: MetricRewrite[]
}

/**
 * Calls `rewrite` once a ScopeMetrics of the batch; itself when nothing changed. Drafts from the wire write only until this returns.
 * Throws a TypeError that names the metric where the result is no OTLP; the batch is then as it was.
 */
export function rewriteMetrics(batch: Metrics, rewrite: (group: MetricGroup) => void): Metrics {
  const session = new Session('rewriteMetrics()')
  const chunks: Uint8Array[] = []
  const counts: number[] = []
  let changed = false
  try {
    for (const [c, items] of chunkCounts(batch).entries()) {
      const chunk = batch.chunks[c]!
      const rewritten = rewriteChunk(new Tree('metrics', chunk, items), session, rewrite)
      if (rewritten === undefined) {
        chunks.push(chunk)
        counts.push(items)
        continue
      }
      changed = true
      if (rewritten.bytes === undefined) continue
      chunks.push(rewritten.bytes)
      counts.push(rewritten.count)
    }
  } finally {
    session.close()
  }
  return changed ? fromChunks('metrics', chunks, counts, batch.origin) : batch
}

interface Rewritten {
  /** undefined when nothing is left. */
  readonly bytes: Uint8Array | undefined
  readonly count: number
}

/** undefined when nothing changed. */
function rewriteChunk(tree: Tree, session: Session, rewrite: (group: MetricGroup) => void): Rewritten | undefined {
  const groups = groupsOf(tree, session)
  let changed = false
  for (const group of groups) {
    rewrite(group)
    if (group.settle()) changed = true
  }
  if (!changed) return undefined
  let count = 0
  for (const { metrics } of groups) for (const metric of metrics) count += metric.pointCount
  const bytes = written((to) => writeChunk(to, tree, groups))
  if (bytes.length === 0) return { bytes: undefined, count: 0 }
  return Buffer.compare(bytes, tree.bytes) === 0 ? undefined : { bytes, count }
}

function groupsOf(tree: Tree, session: Session): Group[] {
  const places = new Places(tree)
  const groups: Group[] = []
  for (let node = 0; node < tree.levels[scopeLevel]!.size; node++) {
    groups.push(new Group(tree, node, places, session))
  }
  return groups
}

class Group implements MetricGroup {
  metrics: MetricRewrite[]
  isChanged = false
  private readonly tree: Tree
  private readonly node: number
  private readonly places: Places

  constructor(tree: Tree, node: number, places: Places, session: Session) {
    this.tree = tree
    this.node = node
    this.places = places
    const { start, end } = tree.levels[metricLevel]!
    const { firstChild } = tree.levels[scopeLevel]!
    this.metrics = []
    for (let i = firstChild[node]!; i < firstChild[node + 1]!; i++) {
      this.metrics.push(new MetricRewrite(tree.bytes, start[i]!, end[i]!, session))
    }
  }

  get resource(): Resource {
    return this.places.at(this.node).resource
  }
  get scope(): Scope {
    return this.places.at(this.node).scope
  }

  /** A group that had no metrics before is not gone, only still empty. */
  get isGone(): boolean {
    return this.isChanged && this.metrics.length === 0
  }

  settle(): boolean {
    const { start } = this.tree.levels[metricLevel]!
    const { firstChild } = this.tree.levels[scopeLevel]!
    const first = firstChild[this.node]!
    this.isChanged =
      this.metrics.length !== firstChild[this.node + 1]! - first ||
      !this.metrics.every((metric, i) => isUntouched(metric, this.tree.bytes, start[first + i]!))
    return this.isChanged
  }

  /** Writes the field that holds it, or nothing when it is gone. */
  write(to: Writer): void {
    const { tree, node } = this
    const { tagAt, end } = tree.levels[scopeLevel]!
    if (!this.isChanged) {
      to.bytes(tree.bytes, tagAt[node]!, end[node]!)
      return
    }
    if (this.isGone) return
    const before = to.size
    for (let i = this.metrics.length - 1; i >= 0; i--) {
      const metric = to.size
      writeMetric(to, this.metrics[i]!)
      to.message(18, metric)
    }
    writeRanges(to, tree.bytes, tree.header(scopeLevel, node))
    to.message(18, before)
  }
}

function isUntouched(metric: MetricRewrite, b: Uint8Array, start: number): boolean {
  try {
    return metric.isUntouchedAt(b, start)
  } catch (cause) {
    throw ofMetric(metric, cause)
  }
}

function writeMetric(to: Writer, metric: MetricRewrite): void {
  try {
    metric.write(to)
  } catch (cause) {
    throw ofMetric(metric, cause)
  }
}

function ofMetric({ name }: MetricRewrite, cause: unknown): TypeError {
  return new TypeError(`metric ${JSON.stringify(name)}: ${errorMessage(cause)}`, {
    cause,
  })
}

function writeChunk(to: Writer, tree: Tree, groups: readonly Group[]): void {
  const { tagAt, end, size, firstChild } = tree.levels[resourceLevel]!
  for (let node = size - 1; node >= 0; node--) {
    const own = groups.slice(firstChild[node]!, firstChild[node + 1]!)
    if (!own.some((group) => group.isChanged)) {
      to.bytes(tree.bytes, tagAt[node]!, end[node]!)
      continue
    }
    if (own.every((group) => group.isGone)) continue
    const before = to.size
    for (let i = own.length - 1; i >= 0; i--) own[i]!.write(to)
    writeRanges(to, tree.bytes, tree.header(resourceLevel, node))
    to.message(10, before)
  }
  writeRanges(to, tree.bytes, tree.requestHeader())
}

function writeRanges(to: Writer, b: Uint8Array, ranges: readonly number[]): void {
  for (let i = ranges.length - 2; i >= 0; i -= 2) to.bytes(b, ranges[i]!, ranges[i + 1]!)
}
