/** Runs compiled statements over batches: chooses what to edit by the context, collects what the items write above them, and counts what fails. */
import type { Batch, In, Logs, Metrics, Traces } from '../data/telemetry.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CompiledStatement, ErrorMode, Group } from './compile.ts'
import { EventDraft } from './event-draft.ts'
import { Frame, type Host } from './frame.ts'
import { PlaceDrafts } from './place-drafts.ts'

export interface RunOptions {
  readonly host: Host
  readonly errorMode: ErrorMode
  readonly logger?: Logger
}

export class Failures {
  private readonly counts = new Map<string, number>()
  private readonly logger: Logger | undefined
  private readonly isSilent: boolean

  constructor(errorMode: ErrorMode, logger: Logger | undefined) {
    this.isSilent = errorMode === 'silent'
    this.logger = logger
  }

  get count(): number {
    let sum = 0
    for (const n of this.counts.values()) sum += n
    return sum
  }

  /** Of one statement the 1st, 10th, 100th, ... failure is logged. */
  add(statement: string, error: unknown): void {
    const count = (this.counts.get(statement) ?? 0) + 1
    this.counts.set(statement, count)
    if (this.isSilent || this.logger === undefined || !/^10*$/.test(String(count))) return
    this.logger.warn('a statement failed', { statement, error: message(error), failures: count })
  }
}

export class Runner {
  readonly failures: Failures
  private readonly group: Group<CompiledStatement>
  private readonly propagates: boolean
  private readonly frame: Frame
  private readonly writesResource: boolean
  private readonly writesScope: boolean

  constructor(group: Group<CompiledStatement>, { host, errorMode, logger }: RunOptions) {
    this.group = group
    this.propagates = errorMode === 'propagate'
    this.failures = new Failures(errorMode, logger)
    this.frame = new Frame(host)
    this.writesResource = writes(group, 'resource')
    this.writesScope = writes(group, 'scope') || writes(group, 'instrumentation_scope')
  }

  /** Throws the first error of a statement where errors propagate; the batch is then unchanged. */
  run<B extends Batch>(batch: B): B {
    const { frame } = this
    frame.origin = batch.origin
    switch (this.group.context) {
      case 'resource':
        if (batch.signal === 'profiles') break
        return batch.editResources((resource) => this.all(frame.enterResource(resource))) as B
      case 'scope':
        return batch.signal === 'profiles' ? batch : (this.scopes(batch) as B)
      case 'span':
        return batch.signal === 'traces' ? (this.items(batch, (drafts) => this.spans(batch, drafts)) as B) : batch
      case 'spanevent':
        return batch.signal === 'traces' ? (this.items(batch, (drafts) => this.events(batch, drafts)) as B) : batch
      case 'log':
        return batch.signal === 'logs' ? (this.items(batch, (drafts) => this.logs(batch, drafts)) as B) : batch
      case 'metric':
        return batch.signal === 'metrics' ? (this.items(batch, (drafts) => this.metrics(batch, drafts)) as B) : batch
      case 'datapoint':
        return batch.signal === 'metrics' ? (this.items(batch, (drafts) => this.points(batch, drafts)) as B) : batch
    }
    return batch
  }

  private all(frame: Frame): void {
    for (const statement of this.group.items) {
      try {
        statement.run(frame)
      } catch (error) {
        this.failures.add(statement.text, error)
        if (!this.propagates) continue
        throw new Error(`failed to execute statement: ${statement.text}, ${message(error)}`, { cause: error })
      }
    }
  }

  private scopes<B extends Traces | Metrics | Logs>(batch: B): B {
    return this.items(batch, (drafts) => {
      const edited = batch.editScopes((scope) => {
        this.frame.enterScope(scope)
        if (drafts !== undefined) this.frame.ownResource = drafts.resource(scope.resource)
        this.all(this.frame)
      })
      return edited as B
    })
  }

  private spans(batch: Traces, drafts: PlaceDrafts | undefined): Traces {
    const { frame } = this
    return batch.edit((span) => {
      frame.enterSpan(span)
      if (drafts !== undefined) this.lift(span, drafts)
      this.all(frame)
    })
  }

  private events(batch: Traces, drafts: PlaceDrafts | undefined): Traces {
    const { frame } = this
    return batch.edit((span) => {
      const events = span.events.map((event) => new EventDraft(event))
      for (const [i, event] of events.entries()) {
        frame.enterEvent(span, event, i)
        if (drafts !== undefined) this.lift(span, drafts)
        this.all(frame)
      }
      if (events.some((event) => event.result === event)) span.events = events.map(({ result }) => result)
    })
  }

  private logs(batch: Logs, drafts: PlaceDrafts | undefined): Logs {
    const { frame } = this
    return batch.edit((record) => {
      frame.enterLog(record)
      if (drafts !== undefined) this.lift(record, drafts)
      this.all(frame)
    })
  }

  private metrics(batch: Metrics, drafts: PlaceDrafts | undefined): Metrics {
    const { frame } = this
    return batch.editMetrics((metric) => {
      frame.enterMetric(metric)
      if (drafts !== undefined) this.lift(metric, drafts)
      this.all(frame)
    })
  }

  private points(batch: Metrics, drafts: PlaceDrafts | undefined): Metrics {
    const { frame } = this
    return batch.edit((point) => {
      frame.enterPoint(point)
      if (drafts !== undefined) this.lift(point, drafts)
      this.all(frame)
    })
  }

  private lift(item: In, drafts: PlaceDrafts): void {
    if (this.writesResource) this.frame.ownResource = drafts.resource(item.resource)
    if (this.writesScope) this.frame.ownScope = drafts.scope(item.scope)
  }

  private items<B extends Traces | Metrics | Logs>(batch: B, edit: (drafts: PlaceDrafts | undefined) => B): B {
    const isLifted = this.writesResource || (this.writesScope && this.group.context !== 'scope')
    if (!isLifted) return edit(undefined)
    const drafts = new PlaceDrafts()
    try {
      return drafts.applyTo(batch, edit(drafts))
    } finally {
      this.frame.ownResource = undefined
      this.frame.ownScope = undefined
    }
  }
}

function writes({ writes: paths }: Group<CompiledStatement>, root: string): boolean {
  for (const path of paths) if (path === root || path.startsWith(`${root}.`)) return true
  return false
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
