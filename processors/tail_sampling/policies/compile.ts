/** Policies from their settings, which were checked. */
import type { Context } from '../../../pipeline/component.ts'
import type { PartSettings, PolicySettings, TopPolicySettings } from '../policies-config.ts'
import { booleanAttribute, numericAttribute, stringAttribute } from './attributes.ts'
import { and, Composite, type CompositePart, drop, not } from './combined.ts'
import { defaultIncident, IncidentPolicy } from './incident.ts'
import { BudgetLimit, bytesOf, limit, spansOf } from './limits.ts'
import { ottlCondition } from './ottl-condition.ts'
import type { Policy, Stateful } from './policy.ts'
import { probabilistic } from './probabilistic.ts'
import { latency, spanCount, statusCode, traceFlags, traceState } from './spans.ts'
import { TokenBucket } from './token-bucket.ts'

export interface NamedPolicy {
  readonly name: string
  readonly isDrop: boolean
  readonly policy: Policy
}
export interface Policies {
  /** Those that drop come first: no other can change what they say. */
  readonly all: readonly NamedPolicy[]
  /** What keeps a state, by the names of the policies that lead to it. */
  readonly stateful: ReadonlyMap<string, Stateful>
  /** Those that have to know what is open. */
  readonly incidents: readonly IncidentPolicy[]
}

/** `usesTraceState`: the feature gate. */
export function compilePolicies(
  settings: readonly TopPolicySettings[],
  context: Context,
  usesTraceState: boolean,
): Policies {
  const compiler = new Compiler(context, usesTraceState)
  const all = settings.map((one) => ({
    name: one.name,
    isDrop: one.type === 'drop',
    policy: compiler.top(one),
  }))
  return {
    all: [...all.filter(({ isDrop }) => isDrop), ...all.filter(({ isDrop }) => !isDrop)],
    stateful: compiler.stateful,
    incidents: compiler.incidents,
  }
}

class Compiler {
  readonly stateful = new Map<string, Stateful>()
  readonly incidents: IncidentPolicy[] = []
  private readonly context: Context
  private readonly usesTraceState: boolean

  constructor(context: Context, usesTraceState: boolean) {
    this.context = context
    this.usesTraceState = usesTraceState
  }

  top(settings: TopPolicySettings): Policy {
    const { name, type } = settings
    if (type === 'composite') return this.composite(settings.composite ?? {}, name)
    if (type === 'drop')
      return drop((settings.drop?.drop_sub_policy ?? []).map((part) => this.part(part, `${name}/${part.name}`)))
    if (type === 'incident') return this.incident(settings, name, true)
    return this.part(settings, name)
  }

  private part(settings: PartSettings, path: string): Policy {
    if (settings.type === 'and')
      return and((settings.and?.and_sub_policy ?? []).map((part) => this.part(part, `${path}/${part.name}`)))
    if (settings.type === 'not') return not(this.plain(settings.not!.not_sub_policy, `${path}/not`))
    return this.plain(settings, path)
  }

  private plain(settings: PolicySettings, path: string): Policy {
    switch (settings.type) {
      case 'latency':
        return latency({ threshold_ms: 0, upper_threshold_ms: 0, ...settings.latency })
      case 'numeric_attribute':
        return numericAttribute(settings.numeric_attribute!)
      case 'probabilistic':
        return probabilistic({ hash_salt: '', sampling_percentage: 0, ...settings.probabilistic }, this.usesTraceState)
      case 'status_code':
        return statusCode(settings.status_code!)
      case 'string_attribute':
        return stringAttribute({
          key: '',
          values: [],
          enabled_regex_matching: false,
          cache_max_size: 0,
          invert_match: false,
          ...settings.string_attribute,
        })
      case 'rate_limiting': {
        const { spans_per_second = 0, burst_capacity = 0 } = settings.rate_limiting ?? {}
        return this.limit(spans_per_second, burst_capacity, spansOf, path)
      }
      case 'bytes_limiting': {
        const { bytes_per_second = 0, burst_capacity = 0 } = settings.bytes_limiting ?? {}
        return this.limit(bytes_per_second, burst_capacity, bytesOf, path)
      }
      case 'span_count':
        return spanCount({ min_spans: 0, max_spans: 0, ...settings.span_count })
      case 'trace_state':
        return traceState({ key: '', values: [], ...settings.trace_state })
      case 'boolean_attribute':
        return booleanAttribute({ key: '', value: false, invert_match: false, ...settings.boolean_attribute })
      case 'ottl_condition':
        return ottlCondition(settings.ottl_condition!, this.context)
      case 'incident':
        return this.incident(settings, path, false)
      case 'trace_flags':
        return traceFlags()
      default:
        return { decide: () => 'sampled' }
    }
  }

  private incident({ incident }: PolicySettings, path: string, isTop: boolean): Policy {
    const policy = new IncidentPolicy({ ...defaultIncident, ...incident }, path, isTop, this.context.clock)
    this.incidents.push(policy)
    return policy
  }

  private limit(perSecond: number, burst: number, cost: typeof spansOf, path: string): Policy {
    const bucket = new TokenBucket(this.context.clock, perSecond, burst > 0 ? burst : 2 * perSecond)
    const policy = this.usesTraceState ? new BudgetLimit(bucket, cost) : limit(bucket, cost)
    this.stateful.set(path, policy)
    return policy
  }

  private composite(settings: Partial<NonNullable<TopPolicySettings['composite']>>, path: string): Policy {
    const { composite_sub_policy = [], rate_allocation = [], max_total_spans_per_second = 0 } = settings
    const percents = new Map(rate_allocation.map(({ policy, percent }) => [policy, percent]))
    const parts = composite_sub_policy.map((part): CompositePart => {
      const percent = percents.get(part.name) ?? 0
      // A part without a percentage has an equal share.
      const spans =
        percent > 0
          ? (percent / 100) * max_total_spans_per_second
          : max_total_spans_per_second / composite_sub_policy.length
      return {
        name: part.name,
        policy: this.part(part, `${path}/${part.name}`),
        spansPerSecond: Math.trunc(spans),
      }
    })
    const policy = new Composite(this.context.clock, max_total_spans_per_second, parts)
    this.stateful.set(path, policy)
    return policy
  }
}
