/** What happens every day and harms nobody. A page for one of these is a false one. */
import type { Exports } from '../telemetry/exports.ts'
import type { World } from '../world/world.ts'
import type { BenignSpec } from './schema.ts'

/** The answer undoes it. */
export function playBenign(spec: BenignSpec, world: World, exports: Exports): () => void {
  switch (spec.type) {
    case 'campaign': {
      const before = world.load.factor
      world.load.factor = spec.factor
      return () => (world.load.factor = before)
    }
    case 'cron': {
      const { instances } = world.service(spec.service)
      for (const instance of instances) instance.hog += spec.cores
      return () => {
        for (const instance of instances) instance.hog = Math.max(0, instance.hog - spec.cores)
      }
    }
    case 'deploy':
      world.cluster.deploy(world.service(spec.service), spec.version)
      return nothing
    case 'scale': {
      const service = world.service(spec.service)
      const before = world.cluster.replicas(service)
      world.cluster.scale(service, spec.replicas)
      return () => world.cluster.scale(service, before)
    }
    case 'restart':
      world.cluster.restart(world.service(spec.service))
      return nothing
    case 'drain': {
      const machine = world.cluster.machines[spec.node - 1]
      if (machine === undefined) throw new RangeError(`there is no node ${spec.node}`)
      world.cluster.drain(machine)
      return () => (machine.isUp = true)
    }
    case 'missed_scrapes':
      exports.missedScrapes = spec.share
      return () => (exports.missedScrapes = undefined)
    case 'log_level':
      exports.logsEveryRequest = true
      return () => (exports.logsEveryRequest = false)
  }
}

function nothing(): void {}
