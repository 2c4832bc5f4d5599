/** Decides whether data must be refused: the algorithm of upstream's `internal/memorylimiter`, on the heap and the buffers of Node. */
import type { Context } from '../component.ts'
import type { Logger } from './logger.ts'
import type { MemoryLimits } from './memory-limiter-keys.ts'
import type { Memory } from './process-memory.ts'

export const refusal = 'data refused due to high memory usage'
const mib = 1024 * 1024
/** A forced collection that frees less of the memory than this was not worth its time. */
const effectiveShare = 0.05

/** A component that asks this limiter. Clocks stop with their component, so the checks run on that of a member which still lives. */
export type Member = Pick<Context, 'clock' | 'logger' | 'status'>

export class MemoryLimiter {
  readonly hardBytes: number
  readonly softBytes: number
  private readonly config: MemoryLimits
  private readonly memory: Memory
  private readonly members = new Set<Member>()
  private checker: Member
  private stopChecking: (() => void) | undefined
  private refusing = false
  private lastUsed = 0
  private lastCollectedMs: number
  /** Grow while forced collections free nothing, so that the CPU is left for recovery. */
  private softIntervalMs = 0
  private hardIntervalMs = 0

  constructor(config: MemoryLimits, memory: Memory, first: Member) {
    this.config = config
    this.memory = memory
    this.checker = first
    const { limit, spike } = limitsOf(config, memory, first.logger)
    this.hardBytes = limit
    this.softBytes = limit - spike
    this.lastCollectedMs = first.clock.nowMs()
    first.logger.info('Memory limiter configured', {
      limit_mib: Math.floor(limit / mib),
      spike_limit_mib: Math.floor(spike / mib),
      check_interval: config.check_interval / 1000,
    })
  }

  get mustRefuse(): boolean {
    return this.refusing
  }

  join(member: Member): void {
    this.members.add(member)
    if (this.stopChecking === undefined) this.checkWith(member)
  }

  leave(member: Member): void {
    this.members.delete(member)
    if (member !== this.checker) return
    this.stopChecking?.()
    this.stopChecking = undefined
    const [next] = this.members
    if (next) this.checkWith(next)
  }

  private checkWith(member: Member): void {
    this.checker = member
    this.stopChecking = member.clock.every(this.config.check_interval, () => this.check())
  }

  async check(): Promise<void> {
    let used = this.memory.usedBytes()
    this.checker.logger.debug('Currently used memory.', memoryField(used))
    if (!this.isAboveSoft(used, false)) {
      if (this.refusing) {
        this.checker.logger.info('Memory usage back within limits. Resuming normal operation.', memoryField(used))
        this.report('ok')
      }
      this.refusing = false
      return
    }
    let above = true
    if (this.mayCollect(used)) {
      used = await this.collect(used)
      above = this.isAboveSoft(used, true)
    }
    if (above && !this.refusing) {
      this.report('recoverable', refusal)
      this.checker.logger.warn('Memory usage is above soft limit. Refusing data.', memoryField(used))
    }
    if (!above) this.report('ok')
    this.refusing = above
  }

  private mayCollect(used: number): boolean {
    const { min_gc_interval_when_hard_limited, min_gc_interval_when_soft_limited, garbage_collector } = this.config
    if (garbage_collector === undefined) return false
    const waitMs =
      used >= this.hardBytes
        ? Math.max(min_gc_interval_when_hard_limited, this.hardIntervalMs)
        : Math.max(min_gc_interval_when_soft_limited, this.softIntervalMs)
    return this.checker.clock.nowMs() - this.lastCollectedMs > waitMs
  }

  private async collect(used: number): Promise<number> {
    if (used >= this.hardBytes) {
      this.checker.logger.warn('Memory usage is above hard limit. Forcing a GC.', memoryField(used))
    } else {
      this.checker.logger.info('Memory usage is above soft limit. Forcing a GC.', memoryField(used))
    }
    await this.memory.collect()
    this.lastCollectedMs = this.checker.clock.nowMs()
    const after = this.memory.usedBytes()
    this.checker.logger.info('Memory usage after GC.', memoryField(after))
    return after
  }

  private isAboveSoft(used: number, collected: boolean): boolean {
    const above = used >= this.softBytes
    const wasEffective = !above || used <= this.lastUsed * (1 - effectiveShare)
    this.lastUsed = used
    if (wasEffective) {
      this.softIntervalMs = 0
      this.hardIntervalMs = 0
      return above
    }
    if (collected) this.backOff(used)
    return above
  }

  private backOff(used: number): void {
    const c = this.config
    const soft = [c.min_gc_interval_when_soft_limited, c.max_gc_interval_when_soft_limited] as const
    const hard = [c.min_gc_interval_when_hard_limited, c.max_gc_interval_when_hard_limited] as const
    this.softIntervalMs = nextInterval(this.softIntervalMs, ...soft, c.check_interval)
    this.hardIntervalMs = nextInterval(this.hardIntervalMs, ...hard, c.check_interval)
    this.checker.logger.warn(
      'Forced GC did not reclaim enough memory. Will back off GC frequency to preserve CPU for recovery.',
      {
        next_soft_gc_interval: this.softIntervalMs / 1000,
        next_hard_gc_interval: this.hardIntervalMs / 1000,
        ...memoryField(used),
      },
    )
  }

  private report(state: 'ok' | 'recoverable', message?: string): void {
    for (const member of this.members) member.status(state, message)
  }
}

function limitsOf(config: MemoryLimits, memory: Memory, logger: Logger): { limit: number; spike: number } {
  const { limit_mib, spike_limit_mib, limit_percentage, spike_limit_percentage } = config
  if (limit_mib > 0) return withSpike(limit_mib * mib, spike_limit_mib * mib)
  const total = memory.totalBytes()
  logger.info('Using percentage memory limiter', {
    total_memory_mib: Math.floor(total / mib),
    limit_percentage,
    spike_limit_percentage,
  })
  return withSpike(Math.floor((limit_percentage * total) / 100), Math.floor((spike_limit_percentage * total) / 100))
}

function withSpike(limit: number, spike: number): { limit: number; spike: number } {
  return { limit, spike: spike === 0 ? Math.floor(limit / 5) : spike }
}

/** Doubles from just under a check interval (a whole one would miss every other check) up to the maximum; 0 = never grows. */
function nextInterval(current: number, min: number, max: number, checkInterval: number): number {
  if (max === 0) return min
  return Math.min(Math.max(current, min, checkInterval * 0.95) * 2, Math.max(max, min))
}

function memoryField(used: number): object {
  return { cur_mem_mib: Math.floor(used / mib) }
}
