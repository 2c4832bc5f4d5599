/** How many spans a span of a sampled trace stands for, as a whole number: upstream counts that way too. */
import { adjustedCount } from './adjusted-count.ts'
import { thresholdOf } from './threshold.ts'
import { parseTraceState } from './trace-state.ts'

export class Weight {
  /** Of the span that was weighed last. */
  count = 1
  /** Whether its tracestate says how it was sampled. */
  isAdjusted = false
  private readonly random: () => number
  private state = ''
  private exact = 1
  private says = false

  constructor(random: () => number) {
    this.random = random
  }

  none(): void {
    this.count = 1
    this.isAdjusted = false
  }

  of(traceState: string): void {
    // The spans of a trace come one after another and say the same.
    if (traceState !== this.state) {
      this.state = traceState
      this.says = saysThreshold(traceState)
      this.exact = this.says ? adjustedCount(traceState) : 1
    }
    this.isAdjusted = this.says
    const whole = Math.floor(this.exact)
    const rest = this.exact - whole
    // Rounded up as often as the rest says, so that sums are right on average.
    this.count = rest > 0 && this.random() < rest ? whole + 1 : whole
  }
}

function saysThreshold(traceState: string): boolean {
  if (!traceState.includes('ot=')) return false
  const parsed = parseTraceState(traceState)
  return parsed !== undefined && parsed.tValue !== '' && thresholdOf(parsed.tValue) !== undefined
}
