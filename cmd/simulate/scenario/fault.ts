/** Faults by type: what each changes in the mechanism, whose fault it is, and what would repair it. */

import type { Exports } from '../telemetry/exports.ts'
import { split } from '../topology/read.ts'
import type { Knobs } from '../world/knobs.ts'
import { cancel } from '../world/schedule.ts'
import type { Operation, Service } from '../world/service.ts'
import type { World } from '../world/world.ts'
import type { FaultSpec } from './schema.ts'

export interface Entity {
  readonly kind:
    | 'service'
    | 'operation'
    | 'version'
    | 'query'
    | 'pool'
    | 'cache'
    | 'queue'
    | 'node'
    | 'edge'
    | 'external'
    | 'users'
  readonly service?: string
  readonly name: string
}

/** What somebody could do that would end the cause. */
export interface Repair {
  readonly action: string
  readonly target: string
}

export interface Fault {
  readonly root: Entity
  readonly repairs: readonly Repair[]
  /** Requests that come here are affected, as far as the fault shows at all. */
  readonly touches: readonly Operation[]
  start(): void
  /** Puts the mechanism back. */
  stop(): void
  /** Whether the cause is still there: an action may have removed it. */
  isPresent(): boolean
}

interface Place {
  readonly world: World
  readonly exports: Exports
}

type Maker<T extends FaultSpec['type']> = (spec: Extract<FaultSpec, { type: T }>, place: Place) => Fault

const makers: { readonly [T in FaultSpec['type']]: Maker<T> } = {
  cpu_hog: ({ service, cores, share }, { world }) => {
    const all = world.service(service)
    const hit = () => all.instances.slice(0, Math.max(1, Math.round(share * all.instances.length)))
    let hogged = hit()
    let isOn = false
    return {
      ...onService(world, service, [{ action: 'restart', target: service }]),
      start: () => {
        hogged = hit()
        isOn = true
        for (const instance of hogged) instance.hog += cores
      },
      stop: () => {
        isOn = false
        // A job that runs there too goes on.
        for (const instance of hogged) instance.hog = Math.max(0, instance.hog - cores)
      },
      isPresent: () => isOn && hogged.some(({ isDead }) => !isDead),
    }
  },

  memory_leak: ({ service, perRequest }, { world }) => {
    const { knobs } = world.service(service)
    return {
      // A restart helps for a while only: the code still leaks.
      ...onService(world, service, [{ action: 'rollback', target: service }]),
      ...inCode(
        world.service(service),
        knobs,
        turned(
          () => knobs.leakPerRequest,
          (value) => (knobs.leakPerRequest = value),
          perRequest,
        ),
      ),
    }
  },

  latency: ({ service, delay }, { world }) => {
    const { knobs } = world.service(service)
    return {
      ...onService(world, service, [{ action: 'repair_network', target: service }]),
      ...turned(
        () => knobs.delayMs,
        (value) => (knobs.delayMs = value),
        delay,
      ),
    }
  },

  packet_loss: ({ service, loss }, { world }) => {
    const { knobs } = world.service(service)
    return {
      ...onService(world, service, [{ action: 'repair_network', target: service }]),
      ...turned(
        () => knobs.loss,
        (value) => (knobs.loss = value),
        loss,
      ),
    }
  },

  errors: ({ operation, share, early, errorType }, { world }) => {
    const { knobs, service } = world.operation(operation)
    const key = early ? 'earlyErrorShare' : 'errorShare'
    const turn = inCode(
      service,
      knobs,
      turned(
        () => knobs[key],
        (value) => (knobs[key] = value),
        share,
      ),
    )
    return {
      ...onOperation(world, operation, [{ action: 'rollback', target: split(operation)[0] }]),
      ...turn,
      start: () => {
        knobs.errorType = errorType
        turn.start()
      },
    }
  },

  wrong_result: ({ operation, share }, { world }) => {
    const { knobs, service } = world.operation(operation)
    return {
      ...onOperation(world, operation, [{ action: 'rollback', target: split(operation)[0] }]),
      ...inCode(
        service,
        knobs,
        turned(
          () => knobs.cutShare,
          (value) => (knobs.cutShare = value),
          share,
        ),
      ),
    }
  },

  slow_operation: ({ operation, cpu, wait }, { world }) => {
    const { knobs, service } = world.operation(operation)
    return {
      ...onOperation(world, operation, [{ action: 'rollback', target: split(operation)[0] }]),
      ...inCode(service, knobs, {
        start: () => {
          knobs.cpuFactor = cpu
          knobs.waitFactor = wait
        },
        stop: () => {
          knobs.cpuFactor = 1
          knobs.waitFactor = 1
        },
        isPresent: () => knobs.cpuFactor > 1 || knobs.waitFactor > 1,
      }),
    }
  },

  lost_index: ({ query }, { world }) => {
    const operation = world.operation(query)
    const index = operation.query?.index
    if (index === undefined) throw new RangeError(`lost_index: ${query} needs no index`)
    const { indexes, name } = operation.service
    return {
      ...onOperation(world, query, [{ action: 'create_index', target: `${name}/${index}` }]),
      // The change that dropped it is not announced: nobody knows that it happened.
      start: () => void indexes.delete(index),
      stop: () => void indexes.add(index),
      isPresent: () => !indexes.has(index),
    }
  },

  lock_contention: ({ service, hold }, { world }) => {
    const database = world.service(service)
    return {
      ...onService(world, service, [{ action: 'end_transactions', target: service }]),
      touches: [...database.operations.values()].filter(({ query }) => query?.lock !== undefined),
      ...turned(
        () => database.lockHoldMs,
        (value) => (database.lockHoldMs = value),
        hold,
      ),
    }
  },

  small_pool: ({ service, database, size }, { world }) => {
    const owner = world.service(service)
    const target = world.service(database)
    const sizes = (limit: number) => {
      owner.poolSizes.set(database, limit)
      for (const instance of owner.instances) instance.pool(target).limit = limit
    }
    const usual = owner.spec.kind === 'service' ? owner.spec.pool : owner.spec.workers
    return {
      ...onService(world, service, [{ action: 'rollback_config', target: service }]),
      root: { kind: 'pool', service, name: database },
      start: () => {
        world.change('config', owner, `changed the configuration of ${service}`)
        sizes(size)
      },
      stop: () => sizes(usual),
      isPresent: () => owner.poolSizes.get(database) === size,
    }
  },

  bad_deploy: ({ service, version, share, cpu, errors, leak, delay }, { world }) => {
    const target = world.service(service)
    const before = target.version.name
    const runs = () => target.instances.some((instance) => instance.version.name === version)
    return {
      ...onService(world, service, [{ action: 'rollback', target: service }]),
      root: { kind: 'version', service, name: version },
      start: () => {
        world.cluster.deploy(target, version, share)
        world.schedule.after(delay, () => {
          const { knobs } = target.versionOf(version)
          knobs.cpuFactor = cpu
          knobs.errorShare = errors
          knobs.leakPerRequest = leak
          knobs.errorType = 'NullPointerException'
        })
      },
      stop: () => world.cluster.deploy(target, before),
      isPresent: runs,
    }
  },

  cache_flush: ({ service }, { world }) => {
    const { contents } = world.service(service)
    return {
      ...onService(world, service, [{ action: 'wait', target: service }]),
      root: { kind: 'cache', service, name: service },
      start: () => {
        for (const content of contents) content.filled = 0
      },
      stop: () => {
        for (const content of contents) content.filled = 1
      },
      isPresent: () => contents.some(({ filled }) => filled < 0.8),
    }
  },

  slow_consumer: ({ operation, wait }, { world }) => {
    const { knobs, service: consumer } = world.operation(operation)
    const [service] = split(operation)
    return {
      ...onOperation(world, operation, [
        { action: 'scale', target: service },
        { action: 'rollback', target: service },
      ]),
      touches: [],
      ...inCode(
        consumer,
        knobs,
        turned(
          () => knobs.waitFactor,
          (value) => (knobs.waitFactor = value),
          wait,
        ),
      ),
    }
  },

  certificate_expiry: ({ service }, { world }) => {
    const target = world.service(service)
    return {
      ...onService(world, service, [{ action: 'renew_certificate', target: service }]),
      start: () => (target.certificateExpiredMs = world.schedule.now),
      stop: () => (target.certificateExpiredMs = undefined),
      isPresent: () => target.certificateExpiredMs !== undefined,
    }
  },

  dns: ({ service, share }, { world }) => {
    const target = world.service(service)
    return {
      ...onService(world, service, [{ action: 'repair_dns', target: service }]),
      ...turned(
        () => target.dnsFailures,
        (value) => (target.dnsFailures = value),
        share,
      ),
    }
  },

  clock_skew: ({ node, skew }, { world }) => {
    const machine = machineOf(world, node)
    return {
      ...onNode(machine.name, [{ action: 'set_clock', target: machine.name }]),
      ...turned(
        () => machine.skewMs,
        (value) => (machine.skewMs = value),
        skew,
      ),
    }
  },

  noisy_neighbour: ({ node, cores }, { world }) => {
    const machine = machineOf(world, node)
    return {
      ...onNode(machine.name, [{ action: 'drain', target: machine.name }]),
      ...turned(
        () => machine.foreign,
        (value) => (machine.foreign = value),
        cores,
      ),
      // On a node that runs nothing of ours it disturbs nobody.
      isPresent: () => machine.foreign === cores && machine.instances.size > 0,
    }
  },

  node_loss: ({ node }, { world }) => {
    const machine = machineOf(world, node)
    return {
      ...onNode(machine.name, [{ action: 'wait', target: machine.name }]),
      start: () => world.cluster.lose(machine),
      stop: () => (machine.isUp = true),
      isPresent: () => !machine.isUp,
    }
  },

  telemetry_loss: ({ service }, { world, exports }) => ({
    ...onService(world, service, [{ action: 'restart_agent', target: service }]),
    touches: [],
    start: () => void exports.silent.add(service),
    stop: () => void exports.silent.delete(service),
    isPresent: () => exports.silent.has(service),
  }),

  traffic_surge: ({ factor }, { world }) => ({
    root: { kind: 'users', name: 'users' },
    repairs: [{ action: 'scale', target: 'the services that are full' }],
    touches: [],
    ...turned(
      () => world.load.factor,
      (value) => (world.load.factor = value),
      factor,
    ),
  }),

  worker_leak: ({ service, every }, { world }) => {
    const target = world.service(service)
    let timer = world.schedule.after(0, () => {})
    return {
      ...onService(world, service, [{ action: 'restart', target: service }]),
      start: () => {
        timer = world.schedule.every(every, () => {
          for (const { workers } of target.instances) workers.limit = Math.max(1, workers.limit - 1)
        })
      },
      stop: () => {
        cancel(timer)
        for (const { workers } of target.instances) workers.limit = target.spec.workers
      },
      isPresent: () => timer.run !== undefined,
    }
  },
}

/** Throws a `RangeError` that says what is not there. */
export function makeFault(spec: FaultSpec, place: Place): Fault {
  return (makers[spec.type] as (spec: FaultSpec, place: Place) => Fault)(spec, place)
}

function onService(world: World, service: string, repairs: readonly Repair[]) {
  const { operations, spec } = world.service(service)
  const kind = spec.kind === 'external' ? 'external' : 'service'
  return { root: { kind, service, name: service } as Entity, repairs, touches: [...operations.values()] }
}

function onOperation(world: World, target: string, repairs: readonly Repair[]) {
  const operation = world.operation(target)
  const kind = operation.query === undefined ? 'operation' : 'query'
  return {
    root: { kind, service: operation.service.name, name: operation.name } as Entity,
    repairs,
    touches: [operation],
  }
}

function onNode(name: string, repairs: readonly Repair[]) {
  return { root: { kind: 'node', name } as Entity, repairs, touches: [] }
}

function machineOf(world: World, number: number) {
  const machine = world.cluster.machines[number - 1]
  if (machine === undefined)
    throw new RangeError(`there is no node ${number}; there are ${world.cluster.machines.length}`)
  return machine
}

interface Turn {
  start(): void
  stop(): void
  isPresent(): boolean
}

/** A mistake in the code of what runs now, and of what is released later: a rollback behind it helps. */
function inCode(service: Service, knobs: Knobs, turn: Turn): Turn {
  return {
    start: () => {
      knobs.since = service.spec.kind === 'service' ? service.version.index : 0
      turn.start()
    },
    stop: () => {
      knobs.since = 0
      turn.stop()
    },
    isPresent: () => {
      if (!turn.isPresent()) return false
      const { version, instances } = service
      return version.index >= knobs.since || instances.some((one) => one.version.index >= knobs.since)
    },
  }
}

/** A value that is set, and put back. */
function turned(read: () => number, write: (value: number) => void, value: number) {
  let before = read()
  return {
    start: () => {
      before = read()
      write(value)
    },
    stop: () => write(before),
    isPresent: () => read() === value,
  }
}
