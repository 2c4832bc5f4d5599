/** The resources of instances as OTLP has them. An instance says of itself the same as long as it lives, so it is encoded once. */
import { writeAttributes } from '../../../pipeline/data/items.ts'
import { written } from '../../../pipeline/data/writer.ts'
import type { Instance } from '../world/instance.ts'
import type { World } from '../world/world.ts'
import { type Attributes, isInstrumented, podResource, sdkResource } from './resource.ts'

interface Encoded {
  /** Of telemetry about the pod. */
  readonly pod: Uint8Array
  /** Of what it says itself: its SDK, or the agent that reads its log. */
  readonly own: Uint8Array
}

export class ResourceBytes {
  private readonly world: World
  private readonly known = new WeakMap<Instance, Encoded>()

  constructor(world: World) {
    this.world = world
  }

  of(instance: Instance): Encoded {
    let encoded = this.known.get(instance)
    if (encoded === undefined) {
      const pod = podResource(this.world, instance)
      const own = isInstrumented(instance)
        ? sdkResource(this.world, instance)
        : { ...pod, 'service.name': instance.service.name }
      encoded = { pod: bytesOf(pod), own: bytesOf(own) }
      this.known.set(instance, encoded)
    }
    return encoded
  }
}

function bytesOf(attributes: Attributes): Uint8Array {
  return written((to) => writeAttributes(to, 10, attributes))
}
