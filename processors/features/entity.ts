/** What is known of an entity: plain data, so that a reload can hand it on. */
import type { Entity, EntityKind } from '../../pipeline/vocabulary/entity.ts'
import {
  type Column,
  type CountColumn,
  isCount,
  type ReadingColumn,
  ringOf,
  ringPanes,
  type SketchName,
  sketches,
  slotOf,
} from './columns.ts'
import { newSketch, type Sketch } from './sketch.ts'

/** `part`s have no name in the vocabulary and are not emitted: what one source says of an instance, one instance's share of a pool. */
export type Rank = 'part' | EntityKind

export interface FeatureEntity {
  readonly key: string
  readonly rank: Rank
  readonly entity: Entity
  /** Its series are numbered from this on, see `series-ids.ts`; 0 for a part. */
  number: number
  /** What it is pooled into. */
  readonly parents: FeatureEntity[]
  readonly members: Set<FeatureEntity>
  /** Whose telemetry says whether something was heard: itself, or the service that it is a part of. */
  heardOf: FeatureEntity | undefined
  /** Signals that its features are made of, as bits. */
  signals: number
  /** Of an edge: what is called. */
  target: string
  /** Pane in which it was heard of first and last. */
  firstPane: number
  lastPane: number
  /** By signal: the latest event time, in ms; 0 = never. */
  readonly lastHeardMs: number[]
  /** By slot: the signals that it was heard of by in that pane, as bits. Only where others look here. */
  heard: Uint8Array | undefined
  /** By ring number of `columns.ts`. */
  readonly rings: (Float32Array | undefined)[]
  /** How many series a column is made of. */
  readonly seriesOf: number[]
  /** Which rule feeds a column, by its place in the table, and until which pane it did. */
  readonly fedBy: number[]
  readonly fedUntil: number[]
  readonly sketches: (Sketch | undefined)[]
  /** Of a service: its versions, and when each was seen first, in ms. */
  readonly versions: Map<string, number> | undefined
}

export function newEntity(key: string, rank: Rank, entity: Entity, number: number): FeatureEntity {
  return {
    key,
    rank,
    entity,
    number,
    parents: [],
    members: new Set(),
    heardOf: undefined,
    signals: 0,
    target: '',
    firstPane: Number.POSITIVE_INFINITY,
    lastPane: Number.NEGATIVE_INFINITY,
    lastHeardMs: [0, 0, 0],
    heard: undefined,
    rings: [],
    seriesOf: [],
    fedBy: [],
    fedUntil: [],
    sketches: [],
    versions: rank === 'service' ? new Map() : undefined,
  }
}

export function join(member: FeatureEntity, parent: FeatureEntity): void {
  if (member === parent || member.parents.includes(parent)) return
  member.parents.push(parent)
  parent.members.add(member)
  if (member.lastPane < member.firstPane) return
  markSeen(parent, member.firstPane)
  markSeen(parent, member.lastPane)
}

const mostVersions = 16

/** Of a service. The first one stays known: it is what others are newer than. */
export function rememberVersion({ versions }: FeatureEntity, version: string, ms: number): void {
  if (versions === undefined || versions.has(version)) return
  versions.set(version, ms)
  if (versions.size > mostVersions) versions.delete([...versions.keys()][1]!)
}

/** So that its features are there, at 0, before anything was counted. */
export function ensureColumn(of: FeatureEntity, column: Column): void {
  ring(of, ringOf[column])
  if (!isCount(column)) ring(of, ringOf[column] + 1)
}

export function addCount(of: FeatureEntity, column: CountColumn, pane: number, n: number): void {
  const values = ring(of, ringOf[column])
  const slot = slotOf(pane)
  values[slot] = values[slot]! + n
}

export function raiseCount(of: FeatureEntity, column: CountColumn, pane: number, n: number): void {
  const values = ring(of, ringOf[column])
  const slot = slotOf(pane)
  if (n > values[slot]!) values[slot] = n
}

export function addReading(
  of: FeatureEntity,
  column: ReadingColumn,
  pane: number,
  value: number,
  weight: number,
): void {
  const at = ringOf[column]
  const sums = ring(of, at)
  const weights = ring(of, at + 1)
  const slot = slotOf(pane)
  sums[slot] = sums[slot]! + value
  weights[slot] = weights[slot]! + weight
}

export function sketchOf(of: FeatureEntity, name: SketchName): Sketch {
  return (of.sketches[sketches[name]] ??= newSketch())
}

export function markHeard(of: FeatureEntity, signal: number, bit: number, pane: number, ms: number): void {
  of.heard ??= new Uint8Array(ringPanes)
  const slot = slotOf(pane)
  of.heard[slot] = of.heard[slot]! | bit
  if (ms > of.lastHeardMs[signal]!) of.lastHeardMs[signal] = ms
  markSeen(of, pane)
}

export function markSeen(of: FeatureEntity, pane: number): void {
  if (pane < of.firstPane) of.firstPane = pane
  if (pane > of.lastPane) of.lastPane = pane
}

/** The slot is for another pane from now on. */
export function clearSlot({ rings, heard }: FeatureEntity, slot: number): void {
  for (const values of rings) if (values !== undefined) values[slot] = 0
  if (heard !== undefined) heard[slot] = 0
}

/** All panes are too old. */
export function clearAll(of: FeatureEntity): void {
  for (const values of of.rings) values?.fill(0)
  of.heard?.fill(0)
  for (const sketch of of.sketches) if (sketch !== undefined) sketch.used = 0
}

function ring(of: FeatureEntity, at: number): Float32Array {
  let values = of.rings[at]
  if (values === undefined) {
    // Without holes: an array with holes is looked up more slowly.
    while (of.rings.length <= at) of.rings.push(undefined)
    values = new Float32Array(ringPanes)
    of.rings[at] = values
  }
  return values
}
