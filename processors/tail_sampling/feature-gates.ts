import type { EngineView } from '../../pipeline/telemetry/engine-view.ts'

/** Upstream's, each with the words after `processor.tailsamplingprocessor.`. */
export interface FeatureGates {
  /** recordpolicy */
  readonly recordsPolicy: boolean
  /** usetracestate */
  readonly usesTraceState: boolean
  /** metricstatcountspanssampled */
  readonly countsSpans: boolean
  /** metricstatcountbytessampled */
  readonly countsBytes: boolean
}

export function gatesOf({ featureGates }: EngineView): FeatureGates {
  const isOn = (name: string) =>
    featureGates.some(({ id, enabled }) => enabled && id === `processor.tailsamplingprocessor.${name}`)
  return {
    recordsPolicy: isOn('recordpolicy'),
    usesTraceState: isOn('usetracestate'),
    countsSpans: isOn('metricstatcountspanssampled'),
    countsBytes: isOn('metricstatcountbytessampled'),
  }
}
