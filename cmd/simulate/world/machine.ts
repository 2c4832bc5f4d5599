/** A machine. */
import type { Instance } from './instance.ts'

export class Machine {
  readonly name: string
  readonly cores: number
  readonly instances = new Set<Instance>()
  /** Cores that are computing now, of all its instances. */
  active = 0
  /** Cores that somebody else uses: a noisy neighbour. */
  foreign = 0
  isUp = true
  /** Nothing new is started on a node that is cordoned. */
  isCordoned = false
  /** What its clock shows beyond the right time, in ms. */
  skewMs = 0

  constructor(name: string, cores: number) {
    this.name = name
    this.cores = cores
  }
}
