import type { Signal } from '../data/telemetry.ts'
import type { Inlet } from './inlet.ts'
import { Node } from './node.ts'

/** A receiver or an extension: nothing arrives there from the graph. */
export class SourceNode extends Node {
  inlet(signal: Signal): Inlet {
    throw new Error(`${this.name} takes no ${signal}`)
  }
}
