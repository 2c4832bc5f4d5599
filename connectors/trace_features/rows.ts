/** Spans as columns, and the shape of each row by the ids of what it says. */
import { absent, ByteDictionary } from '../../pipeline/data/dictionary.ts'
import type { RowPlan, SpanColumns, Traces } from '../../pipeline/data/telemetry.ts'
import { key } from '../../pipeline/data/value.ts'
import { adjustedCount } from '../../pipeline/sampling/adjusted-count.ts'
import { type SpanText, spanTexts } from '../../pipeline/vocabulary/span-texts.ts'
import type { Entities, Sender } from './entities.ts'
import { resourceKeys, spanKeys } from './keys.ts'
import { type Place, placeOf, type Shape, type Shapes, type SpanTexts } from './shape.ts'
import { TupleTable } from './tuple-table.ts'

/** Texts that are known by number: half of them are left for the batch at hand. */
const dictionaryLimit = 200_000
/** Shapes at hand; when there are more they are made anew. */
const maxShapes = 100_000
/** Ids that make a shape; see `RowReader.shape`. */
const width = 10

/** What the first ids of a shape say, beside the kind and whether it is a root. */
const branches = { entry: 0, summary: 1, statement: 2, command: 3, messaging: 4, peer: 5 } as const
const branchTexts: Readonly<Record<number, readonly SpanText[]>> = {
  [branches.entry]: ['route', 'method', 'destination', 'messagingOperation'],
  [branches.summary]: ['system', 'namespace', 'address', 'port', 'peerService', 'summary'],
  [branches.statement]: ['system', 'namespace', 'address', 'port', 'peerService', 'statement'],
  [branches.command]: ['system', 'namespace', 'address', 'port', 'peerService', 'dbOperation', 'collection'],
  [branches.messaging]: ['messagingSystem', 'destination', 'messagingOperation'],
  [branches.peer]: ['peerService', 'address', 'port'],
}

export class RowReader {
  private readonly entities: Entities
  private readonly shapes: Shapes
  private plan: RowPlan = newPlan()
  private table = new TupleTable<Shape>(width)
  private places = new TupleTable<Place>(resourceKeys.length + 1)
  /** By the id of the tracestate. */
  private weights = new Map<number, number>()
  private lastState = absent
  private lastWeight = 1
  /** By the id of the HTTP status. */
  private serverErrors = new Map<number, boolean>()
  private lastStatus = absent
  private lastIsError = false
  private sender: Sender | undefined
  private senderIndex = 0
  private place: Place | undefined
  private columns!: SpanColumns
  private resourceIds: readonly Uint32Array[] = []
  private ids!: Readonly<Record<SpanText, readonly Uint32Array[]>>
  private readonly tuple = new Uint32Array(width)
  private readonly resourceTuple = new Uint32Array(resourceKeys.length + 1)

  constructor(entities: Entities, shapes: Shapes) {
    this.entities = entities
    this.shapes = shapes
  }

  /** The columns of a batch whose rows are asked for next. */
  open(batch: Traces, sender: Sender, senderIndex: number): SpanColumns {
    const { size, limit } = this.plan.dictionary
    if (size > limit / 2) {
      this.plan = newPlan()
      this.forget()
    }
    const columns = batch.columns(this.plan)
    this.columns = columns
    this.resourceIds = resourceKeys.map((one) => columns.attribute(one))
    this.ids = Object.fromEntries(
      Object.entries(spanTexts).map(([text, names]) => [text, names.map((name) => columns.attribute(key(name)))]),
    ) as unknown as Record<SpanText, readonly Uint32Array[]>
    this.sender = sender
    this.senderIndex = senderIndex
    this.place = undefined
    return columns
  }

  /** Shapes hold entities: when some of those were forgotten, they must be made anew. */
  forget(): void {
    this.table = new TupleTable(width)
    this.places = new TupleTable(resourceKeys.length + 1)
    this.weights = new Map()
    this.lastState = absent
    this.serverErrors = new Map()
    this.lastStatus = absent
    this.place = undefined
  }

  /** Undefined for a span of nobody. Rows are asked for in their order. */
  shape(row: number, nowMs: number): Shape | undefined {
    const place = this.placeOf(row, nowMs)
    if (place.service === undefined) return undefined
    const { tuple } = this
    const kind = this.columns.kind[row]!
    const isRoot = this.columns.parentId[row * 2] === 0 && this.columns.parentId[row * 2 + 1] === 0
    tuple.fill(absent)
    tuple[0] = place.index
    // Of the others only roots are something, and of the kinds that there are none of.
    const branch = kind === 3 || kind === 4 ? this.readCall(row, kind) : this.readEntry(row, kind, isRoot)
    tuple[1] = (Math.min(kind, 15) << 4) | (branch << 1) | (isRoot ? 1 : 0)
    return this.table.find(tuple) ?? this.newShape(place, kind, isRoot, branch, nowMs)
  }

  /** How many spans the row stands for. */
  weight(row: number): number {
    const id = this.columns.traceState[row]!
    if (id === absent) return 1
    if (id === this.lastState && id !== 0) return this.lastWeight
    const { dictionary } = this.plan
    const weight = this.weights.get(id) ?? adjustedCount(dictionary.text(id))
    if (id !== 0) this.weights.set(id, weight)
    this.lastState = id
    this.lastWeight = weight
    return weight
  }

  /** Its status, or where that says nothing its HTTP status, is an error. */
  failed(row: number): boolean {
    const status = this.columns.status[row]!
    if (status !== 0) return status === 2
    const id = first(this.ids.httpStatus, row)
    if (id === absent) return false
    if (id === this.lastStatus) return this.lastIsError
    let isError = this.serverErrors.get(id)
    if (isError === undefined) {
      isError = /^5\d\d$/.test(this.plan.dictionary.text(id))
      this.serverErrors.set(id, isError)
    }
    this.lastStatus = id
    this.lastIsError = isError
    return isError
  }

  private readEntry(row: number, kind: number, isRoot: boolean): number {
    const { tuple, ids } = this
    if (kind !== 2 && kind !== 5 && !isRoot) return branches.entry
    tuple[3] = first(ids.route, row)
    tuple[4] = tuple[3] === absent ? absent : first(ids.method, row)
    if (tuple[3] === absent) tuple[2] = this.columns.name[row]!
    if (kind === 5) {
      tuple[5] = first(ids.destination, row)
      tuple[6] = first(ids.messagingOperation, row)
    }
    return branches.entry
  }

  private readCall(row: number, kind: number): number {
    const { tuple, ids } = this
    const system = first(ids.system, row)
    if (system !== absent) {
      tuple[3] = system
      tuple[4] = first(ids.namespace, row)
      tuple[5] = first(ids.address, row)
      tuple[6] = first(ids.port, row)
      tuple[7] = first(ids.peerService, row)
      tuple[8] = first(ids.summary, row)
      if (tuple[8] !== absent) return branches.summary
      tuple[8] = first(ids.statement, row)
      if (tuple[8] !== absent) return branches.statement
      tuple[8] = first(ids.dbOperation, row)
      tuple[9] = first(ids.collection, row)
      return branches.command
    }
    const messaging = first(ids.messagingSystem, row)
    if (kind === 4 || messaging !== absent) {
      tuple[3] = messaging
      tuple[4] = first(ids.destination, row)
      tuple[5] = first(ids.messagingOperation, row)
      return branches.messaging
    }
    tuple[3] = first(ids.peerService, row)
    tuple[4] = first(ids.address, row)
    tuple[5] = first(ids.port, row)
    return branches.peer
  }

  private newShape(place: Place, kind: number, isRoot: boolean, branch: number, nowMs: number): Shape {
    const { dictionary } = this.plan
    const texts: Record<string, string> = { name: dictionary.text(this.tuple[2]!) }
    for (const [i, text] of branchTexts[branch]!.entries()) {
      const id = this.tuple[3 + i]!
      if (id !== absent) texts[text] = dictionary.text(id)
    }
    const shape = this.shapes.of(place, kind, isRoot, texts as SpanTexts, nowMs)
    if (this.table.size >= maxShapes) this.table = new TupleTable(width)
    this.table.add(this.tuple, shape)
    return shape
  }

  private placeOf(row: number, nowMs: number): Place {
    const { place, resourceIds } = this
    if (place !== undefined) {
      let isSame = true
      for (let i = 0; i < resourceIds.length; i++)
        if (resourceIds[i]![row] !== resourceIds[i]![row - 1]) {
          isSame = false
          break
        }
      if (isSame) return place
    }
    const { resourceTuple } = this
    for (let i = 0; i < resourceIds.length; i++) resourceTuple[i] = resourceIds[i]![row]!
    resourceTuple[resourceIds.length] = this.senderIndex
    let found = this.places.find(resourceTuple)
    if (found === undefined) {
      const texts = resourceIds.map((ids) => this.plan.dictionary.text(ids[row]!))
      if (this.places.size >= maxShapes) this.places = new TupleTable(resourceKeys.length + 1)
      found = placeOf(this.sender!, texts, this.nextPlace++, this.entities, nowMs)
      this.places.add(resourceTuple, found)
    }
    this.place = found
    return found
  }
  private nextPlace = 0
}

function newPlan(): RowPlan {
  return {
    dictionary: new ByteDictionary(dictionaryLimit),
    attributes: spanKeys,
    resource: resourceKeys,
    traceState: true,
  }
}

function first(columns: readonly Uint32Array[], row: number): number {
  for (let i = 0; i < columns.length; i++) {
    const id = columns[i]![row]!
    if (id !== absent) return id
  }
  return absent
}
