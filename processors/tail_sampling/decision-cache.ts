/**
 * The decisions of traces that are no longer in memory; the least recently used one makes room. As upstream it knows a trace by the right half of its
 * id. In typed arrays, 36 bytes an entry: a million entries as objects would be a hundred megabytes and a burden for the garbage collector.
 */
export interface CachedDecision {
  readonly policy: string
  /** Empty where none applied. */
  readonly threshold: string
}
export type SavedCache = readonly (readonly [idHigh: number, idLow: number, policy: string, threshold: string])[]

const none = -1
/** Names of policies that are told apart; those after it share the empty name. */
const maxNames = 65_536

export class DecisionCache {
  readonly capacity: number
  private size = 0
  private room = 0
  private newest = none
  private oldest = none
  private idHigh = new Uint32Array(0)
  private idLow = new Uint32Array(0)
  private newer = new Int32Array(0)
  private older = new Int32Array(0)
  /** In the chain of its slot. */
  private nextInSlot = new Int32Array(0)
  private names = new Uint16Array(0)
  private thresholdHigh = new Uint32Array(0)
  private thresholdLow = new Uint32Array(0)
  private slots = new Int32Array(1).fill(none)
  private readonly nameList: string[] = ['']
  private readonly nameNumbers = new Map<string, number>([['', 0]])

  constructor(capacity: number) {
    this.capacity = Math.max(0, capacity)
  }

  /** Undefined where the trace is not known. */
  get(traceId: string): CachedDecision | undefined {
    if (this.size === 0) return undefined
    const entry = this.find(rightHigh(traceId), rightLow(traceId))
    if (entry === none) return undefined
    this.unlink(entry)
    this.linkNewest(entry)
    return {
      policy: this.nameList[this.names[entry]!]!,
      threshold: thresholdText(this.thresholdHigh[entry]!, this.thresholdLow[entry]!),
    }
  }

  /** False where nothing is kept. */
  put(traceId: string, decision: CachedDecision): boolean {
    return this.add(rightHigh(traceId), rightLow(traceId), decision)
  }

  private add(high: number, low: number, { policy, threshold }: CachedDecision): boolean {
    if (this.capacity === 0) return false
    let entry = this.find(high, low)
    if (entry === none) {
      entry = this.size < this.capacity ? this.append() : this.evict()
      this.idHigh[entry] = high
      this.idLow[entry] = low
      const slot = this.slotOf(high, low)
      this.nextInSlot[entry] = this.slots[slot]!
      this.slots[slot] = entry
    } else this.unlink(entry)
    this.linkNewest(entry)
    this.names[entry] = this.numberOf(policy)
    this.thresholdHigh[entry] = threshold === '' ? noThreshold : Number.parseInt(threshold.slice(0, 7), 16)
    this.thresholdLow[entry] = threshold === '' ? 0 : Number.parseInt(threshold.slice(7), 16)
    return true
  }

  /** From the least recently used one. */
  save(): SavedCache {
    const saved: [number, number, string, string][] = []
    for (let entry = this.oldest; entry !== none; entry = this.newer[entry]!)
      saved.push([
        this.idHigh[entry]!,
        this.idLow[entry]!,
        this.nameList[this.names[entry]!]!,
        thresholdText(this.thresholdHigh[entry]!, this.thresholdLow[entry]!),
      ])
    return saved
  }

  restore(saved: SavedCache): void {
    for (const [high, low, policy, threshold] of saved) this.add(high, low, { policy, threshold })
  }

  private find(high: number, low: number): number {
    let entry = this.slots[this.slotOf(high, low)]!
    while (entry !== none && (this.idHigh[entry] !== high || this.idLow[entry] !== low)) entry = this.nextInSlot[entry]!
    return entry
  }

  private slotOf(high: number, low: number): number {
    const hash = Math.imul(high ^ Math.imul(low, 0x85eb_ca6b), 0x9e37_79b1)
    return (hash ^ (hash >>> 15)) & (this.slots.length - 1)
  }

  private append(): number {
    if (this.size === this.room) this.grow()
    return this.size++
  }

  private evict(): number {
    const entry = this.oldest
    this.unlink(entry)
    const slot = this.slotOf(this.idHigh[entry]!, this.idLow[entry]!)
    if (this.slots[slot] === entry) this.slots[slot] = this.nextInSlot[entry]!
    else {
      let before = this.slots[slot]!
      while (this.nextInSlot[before] !== entry) before = this.nextInSlot[before]!
      this.nextInSlot[before] = this.nextInSlot[entry]!
    }
    return entry
  }

  private unlink(entry: number): void {
    const [newer, older] = [this.newer[entry]!, this.older[entry]!]
    if (newer === none) this.newest = older
    else this.older[newer] = older
    if (older === none) this.oldest = newer
    else this.newer[older] = newer
  }

  private linkNewest(entry: number): void {
    this.newer[entry] = none
    this.older[entry] = this.newest
    if (this.newest !== none) this.newer[this.newest] = entry
    this.newest = entry
    if (this.oldest === none) this.oldest = entry
  }

  private grow(): void {
    const room = Math.min(this.capacity, Math.max(1_024, this.room * 2))
    const grown = <A extends Uint32Array | Int32Array | Uint16Array>(array: A, larger: A): A => {
      larger.set(array)
      return larger
    }
    this.idHigh = grown(this.idHigh, new Uint32Array(room))
    this.idLow = grown(this.idLow, new Uint32Array(room))
    this.newer = grown(this.newer, new Int32Array(room))
    this.older = grown(this.older, new Int32Array(room))
    this.names = grown(this.names, new Uint16Array(room))
    this.thresholdHigh = grown(this.thresholdHigh, new Uint32Array(room))
    this.thresholdLow = grown(this.thresholdLow, new Uint32Array(room))
    this.nextInSlot = new Int32Array(room)
    this.room = room
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(room))).fill(none)
    for (let entry = 0; entry < this.size; entry++) {
      const slot = this.slotOf(this.idHigh[entry]!, this.idLow[entry]!)
      this.nextInSlot[entry] = this.slots[slot]!
      this.slots[slot] = entry
    }
  }

  private numberOf(name: string): number {
    let number = this.nameNumbers.get(name)
    if (number === undefined) {
      if (this.nameList.length === maxNames) return 0
      number = this.nameList.length
      this.nameList.push(name)
      this.nameNumbers.set(name, number)
    }
    return number
  }
}

/** Above all thresholds, which have 28 bits in each half. */
const noThreshold = 0xffff_ffff

function thresholdText(high: number, low: number): string {
  return high === noThreshold ? '' : high.toString(16).padStart(7, '0') + low.toString(16).padStart(7, '0')
}

function rightHigh(traceId: string): number {
  return traceId === '' ? 0 : Number.parseInt(traceId.slice(16, 24), 16)
}
function rightLow(traceId: string): number {
  return traceId === '' ? 0 : Number.parseInt(traceId.slice(24, 32), 16)
}
