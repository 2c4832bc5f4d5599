/** Transitions as `vigil.anomaly` events, and the state of budgets as gauges. */
import { newMetrics } from '../../pipeline/data/builders.ts'
import type { NumberPointInit } from '../../pipeline/data/items.ts'
import type { Metrics, Origin, Value } from '../../pipeline/data/telemetry.ts'
import { double } from '../../pipeline/data/value.ts'
import type { Anomaly, Evidence } from '../../pipeline/vocabulary/anomaly.ts'
import { entityPoint, entityResource } from '../../pipeline/vocabulary/entity.ts'
import { schemaVersion } from '../../pipeline/vocabulary/event.ts'
import { sloAttributes, sloMetrics } from '../../pipeline/vocabulary/slo.ts'
import { chance, newReading, type Rule } from './alert.ts'
import { allowedShare } from './objective.ts'
import type { Burn, Tracker } from './tracker.ts'
import type { Transition } from './watch.ts'
import { activeText, endText, windowName } from './words.ts'

/** Share of the budget of the whole window that is left. */
function budgetLeft(tracker: Tracker, into: Burn): number {
  return 1 - tracker.burn(tracker.objective.windowSeconds, into).burn
}

export function anomalyOf({ tracker, alert, state, reading }: Transition, observedUnixNano: bigint): Anomaly {
  const { rule, id, onsetSeconds, onsetUncertainty } = alert
  const left = budgetLeft(tracker, newReading().long)
  const isActive = state === 'active'
  const { exemplar } = tracker
  return {
    schema: schemaVersion,
    id,
    entity: tracker.entity,
    time: nanos(onsetSeconds),
    observed_time: String(observedUnixNano),
    severity: rule.severity,
    ...(isActive && exemplar !== undefined ? { trace_id: exemplar.traceId, span_id: exemplar.spanId } : {}),
    text: isActive ? activeText(tracker, alert, reading, left) : endText(tracker, state, alert, reading, left),
    state: isActive ? 'active' : 'cleared',
    type: 'slo_burn',
    detector: 'slo',
    slo: tracker.objective.name,
    ...(isActive ? { p_value: chance(reading.long, allowedShare(tracker.objective)) } : {}),
    until: nanos(Math.max(tracker.now, 0)),
    onset_uncertainty: onsetUncertainty,
    quality: tracker.covered(rule.longSeconds),
    wakes: rule.wakes,
    evidence: state === 'withdrawn' ? [] : evidenceOf(tracker, rule, reading, left),
  }
}

function evidenceOf(tracker: Tracker, rule: Rule, { long, short }: Transition['reading'], left: number): Evidence[] {
  const { objective } = tracker
  const [longName, shortName] = [windowName(rule.longSeconds), windowName(rule.shortSeconds)]
  const burn = (window: string, observed: number, samples: number): Evidence => ({
    feature: sloMetrics.burnRate,
    window,
    unit: '1',
    observed,
    expected_upper: rule.burn,
    samples,
  })
  const ratio = (window: string, { ratio: observed = 0, samples }: Burn): Evidence => ({
    feature: sloMetrics.badRatio,
    window,
    unit: '1',
    observed,
    expected_upper: allowedShare(objective),
    samples,
  })
  return [
    burn(`${longName}+${shortName}`, Math.min(long.burn, short.burn), long.samples),
    burn(longName, long.burn, long.samples),
    burn(shortName, short.burn, short.samples),
    ratio(longName, long),
    ratio(shortName, short),
    {
      feature: sloMetrics.budgetRemaining,
      window: windowName(objective.windowSeconds),
      unit: '1',
      observed: left,
      expected_lower: 0,
    },
  ]
}

/** One batch for the trackers of one origin. */
export function budgetGauges(origin: Origin, trackers: readonly Tracker[], windows: readonly number[]): Metrics {
  const builder = newMetrics(origin)
  const { long } = newReading()
  for (const tracker of trackers) {
    const { objective, entity } = tracker
    const at = { timeUnixNano: BigInt(nanos(tracker.now)) }
    const attributes: Record<string, Value> = { ...entityPoint(entity), [sloAttributes.name]: objective.name }
    const point = (value: number): NumberPointInit => ({ ...at, value: double(value), attributes })
    const burns: NumberPointInit[] = []
    const ratios: NumberPointInit[] = []
    for (const window of windows) {
      const { ratio, burn } = tracker.burn(window, long)
      if (ratio === undefined) continue
      const named = { ...attributes, [sloAttributes.window]: windowName(window) }
      burns.push({ ...at, value: double(burn), attributes: named })
      ratios.push({ ...at, value: double(ratio), attributes: named })
    }
    builder.resource(entityResource(entity)).scope('vigil/slo')
    if (burns.length > 0) {
      builder.gauge(sloMetrics.burnRate, burns, {
        unit: '1',
        description: 'How many times faster than it may the error budget is spent.',
      })
      builder.gauge(sloMetrics.badRatio, ratios, { unit: '1', description: 'Share of what was counted that was bad.' })
    }
    builder
      .gauge(sloMetrics.budgetRemaining, [point(budgetLeft(tracker, long))], {
        unit: '1',
        description: 'Share of the error budget that is left.',
      })
      .gauge(sloMetrics.target, [point(objective.target)], { unit: '1', description: 'Share that must be good.' })
      .gauge(sloMetrics.dataAge, [point(Math.max(0, tracker.now - tracker.lastData))], {
        unit: 's',
        description: 'Event time since there was anything to count.',
      })
  }
  return builder.build()
}

function nanos(seconds: number): string {
  return String(BigInt(Math.round(seconds)) * 1_000_000_000n)
}
