/** Messages from the queue to those who take them. A message whose processing fails comes again, three times in all. */
import { Frame } from './frame.ts'
import type { Instance } from './instance.ts'
import type { Message, Operation, Service, Topic } from './service.ts'
import type { World } from './world.ts'

const maxDeliveries = 3
const redeliveryMs = 1_000

export class Queues {
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  publish(topic: Topic, message: Message): void {
    const { spec } = topic.queue
    if (spec.kind === 'queue' && topic.messages.size >= spec.capacity) {
      topic.deadLetters++
      return
    }
    topic.published++
    topic.messages.push(message)
    this.dispatch(topic)
  }

  /** Gives what waits to whoever is free. */
  dispatch(topic: Topic): void {
    for (const operation of topic.consumers) {
      for (const instance of operation.service.ready) {
        while (topic.messages.size > 0 && topic.queue.ready.length > 0 && isFree(instance)) {
          const message = topic.messages.shift()
          if (message !== undefined) this.deliver(topic, message, operation, instance)
        }
      }
    }
  }

  /** After an instance became ready, or the queue did. */
  dispatchAll(services: Iterable<Service>): void {
    for (const { topics } of services) for (const topic of topics.values()) this.dispatch(topic)
  }

  private deliver(topic: Topic, message: Message, operation: Operation, instance: Instance): void {
    const { world } = this
    const { trace, producer, sentMs } = message
    const queuedMs = world.schedule.now - sentMs
    const arrival = { operation, trace, parent: producer, kind: 'consumer', topic, queuedMs } as const
    new Frame(world, instance, arrival, (outcome) => {
      if (outcome === 'ok') topic.consumed++
      else if (message.delivery >= maxDeliveries) topic.deadLetters++
      else {
        world.schedule.after(redeliveryMs, () => {
          topic.messages.push({ ...message, delivery: message.delivery + 1 })
          this.dispatch(topic)
        })
      }
      // Once the worker is free again.
      world.schedule.after(0, () => this.dispatch(topic))
    }).start()
  }
}

/** Messages are taken only by idle workers; half of them stay free for requests. */
function isFree({ workers, frames }: Instance): boolean {
  return workers.waiting === 0 && frames.size < Math.max(1, workers.limit / 2)
}
