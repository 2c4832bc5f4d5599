/**
 * Those whom client spans called by an address. When a server span answered one of them, the address is that service's, and a call that nobody
 * answered went there too; else it is an external service.
 */
import { type Entity, entityId } from '../../pipeline/vocabulary/entity.ts'
import { paneAttributes } from '../../pipeline/vocabulary/panes.ts'
import { Cells } from './cell.ts'
import { numberAttributes } from './encode.ts'
import type { EntitySeries, Sender } from './entities.ts'

/** An address that was called, from a cluster and an environment. */
export class Peer {
  readonly sender: Sender
  readonly external: Entity & { readonly kind: 'external' }
  /** The service whose server spans answered. */
  answeredBy: EntitySeries | undefined = undefined
  /** Several did: a gateway, about which of them a call was for nothing can be said. */
  isShared = false
  lastSeenMs = 0
  crossedBy = 0

  constructor(sender: Sender, external: Entity & { readonly kind: 'external' }) {
    this.sender = sender
    this.external = external
  }

  get asCrossed(): Uint8Array {
    return (this.crossedBytes ??= numberAttributes({ [paneAttributes.crossed]: entityId(this.external) }))
  }
  private crossedBytes: Uint8Array | undefined = undefined

  answered(service: EntitySeries): void {
    if (this.answeredBy === service) return
    if (this.answeredBy !== undefined && this.answeredBy.id !== service.id) this.isShared = true
    this.answeredBy = service
  }

  /** Undefined for an external service. */
  get service(): EntitySeries | undefined {
    return this.isShared ? undefined : this.answeredBy
  }
}

/** Calls of a service to an address that no span answered: whose they are is decided when they are sent. */
export class PeerCalls {
  readonly caller: EntitySeries
  readonly peer: Peer
  readonly cells: Cells
  lastSeenMs = 0

  constructor(caller: EntitySeries, peer: Peer) {
    this.caller = caller
    this.peer = peer
    this.cells = new Cells(this)
  }
}

export class Peers {
  private readonly most: number
  private readonly known = new Map<string, Peer>()

  constructor(most: number) {
    this.most = most
  }

  get size(): number {
    return this.known.size
  }

  /** Undefined where there is no room. */
  find(sender: Sender, external: Entity & { readonly kind: 'external' }, nowMs: number): Peer | undefined {
    const key = peerKey(sender, external)
    let peer = this.known.get(key)
    if (peer === undefined) {
      if (this.known.size >= this.most) return undefined
      peer = new Peer(sender, external)
      this.known.set(key, peer)
    }
    peer.lastSeenMs = nowMs
    return peer
  }

  sweep(oldestMs: number): void {
    for (const [key, peer] of this.known) if (peer.lastSeenMs < oldestMs) this.known.delete(key)
  }

  values(): Iterable<Peer> {
    return this.known.values()
  }
}

function peerKey({ key }: Sender, { cluster, environment, name }: Entity): string {
  return JSON.stringify([key, cluster, environment, name])
}
