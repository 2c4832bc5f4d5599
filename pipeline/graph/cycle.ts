import type { PlannedNode, PlannedPipeline } from './plan.ts'

interface Step {
  /** Pipeline whose processors the data runs through. */
  readonly pipeline: PlannedPipeline
  readonly connector: PlannedNode
  readonly to: PlannedPipeline
}

/** The first cycle through connectors, as upstream words it, or undefined. */
export function findCycle(
  nodes: ReadonlyMap<string, PlannedNode>,
  pipelines: readonly PlannedPipeline[],
): string | undefined {
  const steps = (from: PlannedPipeline): Step[] =>
    from.exporters.flatMap((key) => {
      const connector = nodes.get(key)
      if (connector === undefined || !key.startsWith('connector:')) return []
      const { stability } = connector.component.factory
      return connector.feeds
        .filter((to) => stability[`${from.signal} to ${to.signal}`] !== undefined)
        .map((to) => ({ pipeline: from, connector, to }))
    })

  const done = new Set<string>()
  const walk = (from: PlannedPipeline, path: readonly Step[]): readonly Step[] | undefined => {
    const start = path.findIndex((step) => step.pipeline.id === from.id)
    if (start >= 0) return path.slice(start)
    if (done.has(from.id)) return undefined
    for (const step of steps(from)) {
      const cycle = walk(step.to, [...path, step])
      if (cycle !== undefined) return cycle
    }
    done.add(from.id)
    return undefined
  }
  for (const pipeline of pipelines) {
    const cycle = walk(pipeline, [])
    if (cycle !== undefined) return describe(cycle, nodes)
  }
  return undefined
}

function describe(cycle: readonly Step[], nodes: ReadonlyMap<string, PlannedNode>): string {
  const parts = cycle.flatMap(({ pipeline, connector, to }, index) => {
    const hop = `connector "${connector.component.id.text}" (${pipeline.signal} to ${to.signal})`
    // A processor is named after the connector that leads to it; those of the first pipeline come at the end.
    const processors = to.processors.map((key) => {
      const id = nodes.get(key)?.component.id.text ?? key
      return `processor "${id}" in pipeline "${to.id}"`
    })
    return index === cycle.length - 1 ? [hop, ...processors, hopOf(cycle)] : [hop, ...processors]
  })
  return parts.join(' -> ')
}

function hopOf(cycle: readonly Step[]): string {
  const [first] = cycle
  return first === undefined
    ? ''
    : `connector "${first.connector.component.id.text}" (${first.pipeline.signal} to ${first.to.signal})`
}
