/** A request from one service to another, as its two spans tell of it. */

export type ConnectionType = '' | 'messaging_system' | 'database' | 'virtual_node'

/** Plain data, so that it can be saved. */
export interface Edge {
  /** The trace id and the id of the client's span. */
  readonly key: string
  connectionType: ConnectionType
  /** Empty until its span came. */
  client: string
  server: string
  clientSeconds: number
  serverSeconds: number
  /** One of its spans is an error. */
  failed: boolean
  /** By dimension, in the order of the settings; undefined where the span had none. */
  clientDimensions: readonly (string | undefined)[]
  serverDimensions: readonly (string | undefined)[]
  /** What the client calls a server of which no span came. */
  peer: string | undefined
  virtualNode: '' | 'client' | 'server'
  /** How many edges it stands for. */
  weight: number
  expiresMs: number
}

export function newEdge(key: string, expiresMs: number): Edge {
  return {
    key,
    connectionType: '',
    client: '',
    server: '',
    clientSeconds: 0,
    serverSeconds: 0,
    failed: false,
    clientDimensions: [],
    serverDimensions: [],
    peer: undefined,
    virtualNode: '',
    weight: 1,
    expiresMs,
  }
}
