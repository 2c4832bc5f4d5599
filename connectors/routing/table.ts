/** The table, ready to run: each route with what it takes and the pipelines it feeds. */
import { type Context, Rejected } from '../../pipeline/component.ts'
import { concat } from '../../pipeline/data/batch.ts'
import type { Batches, Origin } from '../../pipeline/data/telemetry.ts'
import { Conditions } from '../../pipeline/ottl/conditions.ts'
import { Failures, StatementFailed } from '../../pipeline/ottl/failures.ts'
import type { Host } from '../../pipeline/ottl/frame.ts'
import { Runner } from '../../pipeline/ottl/run.ts'
import { compileRule, type Level } from './compile.ts'
import type { Config, TableItem } from './config.ts'
import { parseRequestCondition } from './request.ts'
import { type Routed, split, type Test } from './split.ts'

interface Route {
  readonly level: Level
  readonly test: Test
  readonly edit: Runner | undefined
  readonly isCopy: boolean
  readonly pipelines: readonly string[]
}

/** What goes to which pipelines, in the order of the routes. */
export type Shares<S extends Routed> = readonly { readonly pipelines: readonly string[]; readonly batch: Batches[S] }[]

export class Table {
  private readonly routes: readonly Route[] = []
  private readonly defaults: readonly string[]
  private readonly host: Host
  private readonly dropped: Context['dropped']

  constructor({ table, default_pipelines, error_mode }: Config, context: Context) {
    const { clock, random, logger } = context
    this.host = { nowUnixNano: () => clock.nowUnixNano(), random }
    this.defaults = default_pipelines
    this.dropped = (items, reason, intent) => context.dropped(items, reason, intent)
    const failures = new Failures(error_mode, logger, 'condition')
    const known = new Set<string>()
    const routes: Route[] = []
    for (const item of table) {
      if (item.context === 'request')
        logger.warn('the context request is deprecated; use otelcol.client.metadata["..."]', {
          condition: item.condition,
        })
      const { key, level, test, edit } = this.ruleOf(item, error_mode, failures)
      if (known.has(key)) {
        logger.warn('a route that the table has already was ignored', { route: key, pipelines: item.pipelines })
        continue
      }
      known.add(key)
      routes.push({
        level,
        test,
        edit: edit && new Runner(edit, { host: this.host, errorMode: error_mode, logger }),
        isCopy: item.action === 'copy',
        pipelines: item.pipelines,
      })
    }
    this.routes = routes
  }

  /** Throws a `Rejected` where errors of conditions propagate. */
  share<S extends Routed>(signal: S, batch: Batches[S]): Shares<S> {
    const shares = new Map<string, { readonly pipelines: readonly string[]; readonly batches: Batches[S][] }>()
    const give = (pipelines: readonly string[], part: Batches[S]) => {
      const key = pipelines.join()
      const share = shares.get(key)
      if (share === undefined) shares.set(key, { pipelines, batches: [part] })
      else share.batches.push(part)
    }
    let left: Batches[S] | undefined = batch
    try {
      for (const { level, test, edit, isCopy, pipelines } of this.routes) {
        if (left === undefined || left.byteLength === 0) break
        const halves: { readonly taken: Batches[S] | undefined; readonly left: Batches[S] | undefined } = split<S>(
          left,
          level,
          test,
          this.host,
        )
        if (halves.taken === undefined) continue
        give(pipelines, edit?.run(halves.taken) ?? halves.taken)
        // As upstream: what a copy removes is gone for the routes behind it too.
        left = isCopy ? (edit?.run(left) ?? left) : halves.left
      }
    } catch (cause) {
      if (cause instanceof StatementFailed) throw new Rejected(cause.message, { retryable: true, cause })
      throw cause
    }
    if (left !== undefined && left.byteLength > 0) {
      if (this.defaults.length > 0) give(this.defaults, left)
      else if (left.count > 0) this.dropped(left.count, 'no_route', 'intended')
    }
    return [...shares.values()].map(({ pipelines, batches }) => ({
      pipelines,
      batch: concat(signal, batches, batch.origin),
    }))
  }

  private ruleOf(item: TableItem, errorMode: Config['error_mode'], failures: Failures) {
    if (item.context === 'request') {
      const parsed = parseRequestCondition(item.condition)
      if ('problem' in parsed) throw new Error(parsed.problem)
      const test: Test = ({ origin }) => parsed.holds(origin as Origin)
      return { key: `[request] ${item.condition}`, level: 'batch' as const, test, edit: undefined }
    }
    const { level, text, condition, edit } = compileRule(item)
    const conditions = condition && new Conditions([condition], errorMode, failures)
    const test: Test = conditions === undefined ? () => true : (frame) => conditions.test(frame)
    return { key: `[${level}] ${text}`, level, test, edit }
  }
}
