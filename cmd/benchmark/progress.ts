import type { Output } from '../command.ts'

const cells = 30
const everyMs = 200

/** A line that is written over and over; nothing where nobody looks. */
export class Progress {
  private readonly output: Output
  private readonly isShown: boolean
  private readonly begun: number
  private readonly now: () => number
  private lastMs = Number.NEGATIVE_INFINITY

  constructor(output: Output & { readonly isTTY?: boolean }, now: () => number = () => performance.now()) {
    this.output = output
    this.isShown = output.isTTY === true
    this.now = now
    this.begun = now()
  }

  show(share: number, what: string): void {
    const now = this.now()
    if (!this.isShown || now - this.lastMs < everyMs) return
    this.lastMs = now
    const full = Math.min(cells, Math.round(share * cells))
    const left = share > 0 ? `, ${minutes(((now - this.begun) * (1 - share)) / share)} left` : ''
    const bar = '█'.repeat(full) + '░'.repeat(cells - full)
    this.output.write(`\r\x1b[K${bar} ${Math.floor(share * 100)} % ${what}${left}`)
  }

  clear(): void {
    if (this.isShown) this.output.write('\r\x1b[K')
  }
}

function minutes(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}
