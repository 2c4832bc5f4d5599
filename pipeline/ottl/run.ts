/** Runs compiled statements over batches: chooses what to edit by the context, collects what the items write above them, and counts what fails. */
import { rewriteMetrics } from '../data/metric-rewrite.ts'
import type { Batch, In, Logs, Metrics, Traces } from '../data/telemetry.ts'
import { errorMessage } from '../error-message.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CompiledCondition, CompiledStatement, ErrorMode, Group } from './compile.ts'
import { Conditions } from './conditions.ts'
import type { ContextName } from './contexts/contexts.ts'
import { EventDraft } from './event-draft.ts'
import { ExemplarDraft } from './exemplar-draft.ts'
import { Failures, StatementFailed } from './failures.ts'
import { Frame, type Host } from './frame.ts'
import { MetricRewriting } from './metric-rewriting.ts'
import { PlaceDrafts } from './place-drafts.ts'
import type { OttlMap } from './values.ts'

export interface RunOptions {
  readonly host: Host
  readonly errorMode: ErrorMode
  readonly logger?: Logger
}

/** Of one batch: what groups that share their cache leave to each other, by context. */
export type SharedCaches = Map<ContextName, { [key: string]: OttlMap[string] }>

export class Runner {
  readonly failures: Failures
  private readonly group: Group<CompiledStatement>
  /** Undefined = the statements run on every item. */
  private readonly conditions: Conditions | undefined
  private readonly propagates: boolean
  private readonly frame: Frame
  private readonly writesResource: boolean
  private readonly rewritesMetrics: boolean
  private readonly writesScope: boolean

  constructor(
    group: Group<CompiledStatement> & { readonly conditions?: readonly CompiledCondition[] },
    { host, errorMode, logger }: RunOptions,
  ) {
    this.group = group
    const conditions = group.conditions ?? []
    if (conditions.length > 0)
      this.conditions = new Conditions(conditions, errorMode, new Failures(errorMode, logger, 'condition'))
    this.propagates = errorMode === 'propagate'
    this.failures = new Failures(errorMode, logger)
    this.frame = new Frame(host)
    this.writesResource = writes(group, 'resource')
    // Handles write everything but lists; those of points do not write their metric.
    this.rewritesMetrics =
      group.writes.has('metric') ||
      (group.context === 'datapoint' ? writes(group, 'metric') : group.writes.has('metric.data_points'))
    this.writesScope = writes(group, 'scope') || writes(group, 'instrumentation_scope')
  }

  /** Throws the first error of a statement where errors propagate; the batch is then unchanged. With `caches` no item's cache is emptied before the next. */
  run<B extends Batch>(batch: B, caches?: SharedCaches): B {
    const { frame } = this
    frame.keepsCache = caches !== undefined
    frame.cache = caches?.get(this.group.context) ?? {}
    try {
      return this.runGroup(batch)
    } finally {
      caches?.set(this.group.context, frame.cache)
      frame.leave()
    }
  }

  private runGroup<B extends Batch>(batch: B): B {
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
      case 'exemplar':
        return batch.signal === 'metrics' ? (this.items(batch, (drafts) => this.exemplars(batch, drafts)) as B) : batch
      case 'datapoint':
        return batch.signal === 'metrics' ? (this.items(batch, (drafts) => this.points(batch, drafts)) as B) : batch
    }
    return batch
  }

  private all(frame: Frame): void {
    if (this.conditions?.test(frame) === false) return
    for (const statement of this.group.items) {
      try {
        statement.run(frame)
      } catch (error) {
        this.failures.add(statement.text, error)
        if (!this.propagates) continue
        throw new StatementFailed(`failed to execute statement: ${statement.text}, ${errorMessage(error)}`, {
          cause: error,
        })
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
    if (this.rewritesMetrics) return this.rewritten(batch, drafts)
    return batch.editMetrics((metric) => {
      frame.enterMetric(metric)
      if (drafts !== undefined) this.lift(metric, drafts)
      this.all(frame)
    })
  }

  private points(batch: Metrics, drafts: PlaceDrafts | undefined): Metrics {
    const { frame } = this
    if (this.rewritesMetrics) return this.rewritten(batch, drafts)
    return batch.edit((point) => {
      frame.enterPoint(point)
      if (drafts !== undefined) this.lift(point, drafts)
      this.all(frame)
    })
  }

  private exemplars(batch: Metrics, drafts: PlaceDrafts | undefined): Metrics {
    const { frame } = this
    try {
      return rewriteMetrics(batch, (group) => {
        for (const metric of group.metrics) {
          const at = new MetricRewriting(group, metric)
          for (const point of metric.points) {
            const exemplars = point.exemplars.map((exemplar) => new ExemplarDraft(exemplar))
            at.point = point
            for (const exemplar of exemplars) {
              frame.exemplar = exemplar
              frame.enterRewriting(at)
              if (drafts !== undefined) this.lift(group, drafts)
              this.all(frame)
            }
            if (exemplars.some((exemplar) => exemplar.result === exemplar))
              point.exemplars = exemplars.map(({ result }) => result)
          }
        }
      })
    } finally {
      frame.leaveRewriting()
    }
  }

  /** On drafts of whole groups, which costs more. What a statement adds is visited too. */
  private rewritten(batch: Metrics, drafts: PlaceDrafts | undefined): Metrics {
    const { frame } = this
    const ofPoints = this.group.context === 'datapoint'
    const visit = (at: MetricRewriting) => {
      frame.enterRewriting(at)
      if (drafts !== undefined) this.lift(at.group, drafts)
      this.all(frame)
    }
    try {
      return rewriteMetrics(batch, (group) => {
        let generation = 0
        let generationEnd = group.metrics.length
        for (let m = 0; m < group.metrics.length; m++) {
          if (m === generationEnd) {
            generation++
            generationEnd = group.metrics.length
          }
          const at = new MetricRewriting(group, group.metrics[m]!)
          at.generation = generation
          if (!ofPoints) visit(at)
          else
            for (const point of at.metric.points) {
              at.point = point
              visit(at)
            }
        }
      })
    } finally {
      frame.leaveRewriting()
    }
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
