/** How soon somebody should look: by severity, by the share of users that it reaches, and by how much it matters. */

import { type Priority, priorities } from '../../pipeline/vocabulary/incident.ts'
import type { Affected } from './affected.ts'

interface Circumstances {
  /** Rank: 0 = low, 3 = critical. */
  readonly severity: number
  readonly wakes: boolean
  readonly isBlind: boolean
  readonly isInMaintenance: boolean
  readonly tier: number | undefined
  readonly affected: readonly Affected[]
}

const largeShare = 0.5
const smallShare = 0.05

export function priorityOf({ severity, wakes, isBlind, isInMaintenance, tier, affected }: Circumstances): Priority {
  if (isInMaintenance) return 'p4'
  let place = 3 - severity
  const share = affected.reduce((most, one) => Math.max(most, one.share), 0)
  if (affected.length > 0 && share >= largeShare && severity > 0) place--
  if (affected.length > 0 && share < smallShare) place++
  if (wakes) place = Math.min(place, severity >= 3 || share >= largeShare || tier === 1 ? 0 : 1)
  else {
    // Nobody is woken, so nothing is that urgent, and what matters little is less so.
    place = Math.max(place, tier === 4 ? 3 : tier === 3 ? 2 : 1)
    if (isBlind) place = Math.max(place, 2)
  }
  return priorities[Math.max(0, Math.min(3, place))]!
}
