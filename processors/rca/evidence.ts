/** All that was seen, each sighting with what a reader is told of it. */

import type { Sighting, SightingKind } from '../../models/root-cause/evidence.ts'
import type { Modality, Reference } from '../../pipeline/vocabulary/diagnosis.ts'

export interface Told {
  readonly modality: Modality
  readonly text: string
  readonly reference: Reference
}

export class Evidence {
  readonly sightings: Sighting[] = []
  readonly #told: Told[] = []
  readonly #ofNode = new Map<number, Sighting[]>()

  add(
    sighting: Omit<Sighting, 'reference' | 'since' | 'sinceUncertainty'> &
      Partial<Pick<Sighting, 'since' | 'sinceUncertainty'>>,
    told: Told,
  ): void {
    const { since = Number.NaN, sinceUncertainty = Number.NaN } = sighting
    const added = { ...sighting, since, sinceUncertainty, reference: this.#told.push(told) - 1 }
    this.sightings.push(added)
    const ofNode = this.#ofNode.get(added.node)
    if (ofNode === undefined) this.#ofNode.set(added.node, [added])
    else ofNode.push(added)
  }

  told({ reference }: Sighting): Told {
    return this.#told[reference]!
  }

  /** The strongest of a kind at a node. */
  strongest(node: number, kinds: readonly SightingKind[]): Sighting | undefined {
    let best: Sighting | undefined
    for (const sighting of this.#ofNode.get(node) ?? [])
      if (kinds.includes(sighting.kind) && sighting.surprise > (best?.surprise ?? -1)) best = sighting
    return best
  }
}
