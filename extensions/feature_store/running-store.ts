/** The lifetime of the store: what it offers, its rounds, its hand-over at a reload. */
import { randomUUID } from 'node:crypto'
import type { Crossings } from '../../pipeline/capability/crossings.ts'
import type { FeatureSink, FeatureStore } from '../../pipeline/capability/feature-store.ts'
import type { Judgements, OpenAlarms } from '../../pipeline/capability/judgements.ts'
import { type StateTables, stateStore } from '../../pipeline/capability/state-store.ts'
import type { Context } from '../../pipeline/component.ts'
import type { Config } from './config.ts'
import { FeatureData } from './data.ts'
import { entitiesOf } from './entity-filter.ts'
import { Keeping } from './keeping.ts'
import { readGraph } from './read-graph.ts'
import { HistoryReader } from './read-history.ts'
import { stateVersion } from './stored.ts'
import { Told } from './telemetry.ts'

/** On the way from an instance to the one that takes its place in this process, by a name that only these two know. */
const handedOn = new Map<string, { readonly data: FeatureData; readonly store: string | undefined }>()

export class RunningStore {
  readonly reading: FeatureStore
  readonly writing: FeatureSink
  readonly judging: Judgements & OpenAlarms
  readonly crossing: Crossings
  private readonly settings: Config
  private readonly context: Context
  private data: FeatureData
  private reader: HistoryReader
  private readonly told: Told
  private tables: StateTables | undefined
  private keeping: Keeping | undefined
  private stopTimer: (() => void) | undefined
  private round = 0
  private restoredFrom: string | undefined

  constructor(settings: Config, context: Context) {
    this.settings = settings
    this.context = context
    this.data = new FeatureData(settings)
    this.reader = this.newReader()
    this.told = new Told(context)
    this.writing = {
      metrics: (batch) => this.data.addMetrics(batch, context.clock),
      logs: (batch) => this.data.addLogs(batch),
    }
    this.reading = {
      entities: async (filter = {}) => entitiesOf(this.data.histories, filter),
      history: (query) => this.reader.read(query),
      graph: (query) => {
        const about = { clock: context.clock, ttlSeconds: settings.edge_ttl / 1_000 }
        return readGraph(query, this.data.edges, this.data.histories, this.reader, about)
      },
      events: async (query = {}) => this.data.events.read(query),
    }
    this.crossing = { sharesOf: (id, before) => this.data.crossings.sharesOf(id, before) }
    const alarms = () => this.data.alarms
    this.judging = {
      isOpen: (entity, at) => alarms().isOpen(entity, at),
      acceptances: (entity) => alarms().acceptances(entity),
      get isEmpty() {
        return alarms().isEmpty
      },
      all: () => alarms().all(),
      onOpened: (listener) => alarms().onOpened(listener),
    }
  }

  async start(): Promise<void> {
    const { store, commit_interval } = this.settings
    const { clock } = this.context
    if (store !== undefined) await this.open(store)
    this.told.observe(() => this.data)
    this.stopTimer = clock.every(commit_interval, async () => {
      this.round++
      await this.data.tend(this.round, clock)
      await this.keeping?.commit()
      this.told.count(this.data, this.keeping)
    })
  }

  async shutdown(): Promise<void> {
    this.stopTimer?.()
    this.stopTimer = undefined
    await this.data.ingest.settled()
    // What was handed on is another's to store.
    await this.keeping?.commit(true)
    this.told.count(this.data, this.keeping)
    await this.close()
  }

  async save(): Promise<Uint8Array> {
    this.stopTimer?.()
    this.stopTimer = undefined
    await this.data.ingest.settled()
    await this.keeping?.commit()
    await this.close()
    const name = randomUUID()
    handedOn.set(name, { data: this.data, store: this.settings.store })
    return Buffer.from(name)
  }

  /** Throws for what no instance of this process has saved. */
  restore(state: Uint8Array): void {
    const name = Buffer.from(state).toString()
    const found = handedOn.get(name)
    if (found === undefined) throw new Error('this is no state that a feature_store of this process has saved')
    this.restoredFrom = name
    this.data = found.data
    this.data.adopt(this.settings)
    this.reader = this.newReader()
    if (found.store !== this.settings.store) this.data.forgetStored()
  }

  private async open(id: string): Promise<void> {
    const { id: own } = this.context
    const store = this.find(id)
    this.tables = await store.open({ kind: 'extension', id: own, name: 'features' }, stateVersion)
    this.keeping = new Keeping(this.data, this.context, this.tables)
    this.data.histories.isJournaled = true
    if (this.restoredFrom === undefined) await this.keeping.load()
  }

  private find(id: string) {
    try {
      return this.context.extension(stateStore, id)
    } catch (cause) {
      const cure = 'add one like state_store to extensions and, before this one, to service::extensions'
      throw new Error(`no state store extension "${id}": ${cure}`, { cause })
    }
  }

  private async close(): Promise<void> {
    if (this.restoredFrom !== undefined) handedOn.delete(this.restoredFrom)
    await this.tables?.close()
    this.tables = undefined
    this.keeping = undefined
  }

  private newReader(): HistoryReader {
    return new HistoryReader(this.data.histories, this.context.clock, () => this.tables)
  }
}
