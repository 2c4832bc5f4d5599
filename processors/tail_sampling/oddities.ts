/** What is allowed, as upstream, and most likely not what was meant. */
import type { Config } from './config.ts'
import type { FeatureGates } from './feature-gates.ts'
import { policy } from './policies-config.ts'

interface Oddity {
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export function* oddities({ policies, sample_on_first_match }: Config, gates: FeatureGates): Iterable<Oddity> {
  if (sample_on_first_match && gates.usesTraceState)
    yield {
      message:
        'With sample_on_first_match a later policy that would keep more is not asked, so that the written sampling threshold may be too high.',
      fields: {},
    }
  for (const { name, ...settings } of policies) {
    const keys = Object.keys(settings).filter((key) => !Object.hasOwn(policy.shape, key))
    if (keys.length > 0)
      yield { message: 'A policy of tail_sampling has keys that nothing reads.', fields: { policy: name, keys } }
    const { policy_order: order = [], composite_sub_policy: parts = [] } = settings.composite ?? {}
    if (order.length > 0 && order.join('\n') !== parts.map((part) => part.name).join('\n'))
      yield {
        message: 'policy_order changes nothing: policies are asked in the order of composite_sub_policy.',
        fields: { policy: name },
      }
  }
}
