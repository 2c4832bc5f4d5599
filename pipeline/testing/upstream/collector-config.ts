/** One configuration for all cases of a component: each has a receiver, an instance of the component, and a file for each output. */
import { join } from 'node:path'
import { stringify } from 'yaml'
import { targetsOf, type UpstreamCase } from './cases.ts'

export interface Setting {
  readonly section: 'processors' | 'connectors'
  /** As the Collector of the recordings spells it. */
  readonly type: string
  readonly ports: readonly number[]
  readonly work: string
}

/** Where the output of case `i` is written, in the folder of the recording. */
export function fileOf(i: number, target: string): string {
  return `${i}-${target.replaceAll('/', '_')}.json`
}

export function collectorConfig(cases: readonly UpstreamCase[], setting: Setting): string {
  const { section, type, ports, work } = setting
  const listen = (i: number) => ({ http: { endpoint: `127.0.0.1:${ports[i]}`, include_metadata: true } })
  const outputs = cases.flatMap((one, i) =>
    targetsOf(one).map((target) => [
      exporterOf(i, target),
      { path: join(work, fileOf(i, target)), flush_interval: '10ms' },
    ]),
  )
  const rest = stringify(
    {
      receivers: Object.fromEntries(cases.map((_one, i) => [`otlp/${i}`, { protocols: listen(i) }])),
      exporters: Object.fromEntries(outputs) as object,
      service: {
        telemetry: { metrics: { level: 'none' } },
        pipelines: Object.fromEntries(cases.flatMap((one, i) => pipelinesOf(one, i, setting))),
      },
    },
    { aliasDuplicateObjects: false },
  )
  // As text: a parser of ours would make 1 of 1.0.
  const bodies = cases.map((one, i) => `  ${type}/${i}:\n${ownRoutes(one, i).replaceAll(/^/gm, '    ')}\n`)
  return `${rest}${section}:\n${bodies.join('')}`
}

function pipelinesOf(one: UpstreamCase, i: number, { section, type }: Setting): [string, object][] {
  const component = `${type}/${i}`
  const way = (target: string) => ({ receivers: [component], exporters: [exporterOf(i, target)] })
  if (section === 'processors')
    return [
      [
        `${one.signal}/${i}`,
        { receivers: [`otlp/${i}`], processors: [component], exporters: [exporterOf(i, one.signal)] },
      ],
    ]
  return [
    [`${one.signal}/${i}-in`, { receivers: [`otlp/${i}`], exporters: [component] }],
    ...targetsOf(one).map((target): [string, object] => [pipelineOf(i, target), way(target)]),
  ]
}

function exporterOf(i: number, target: string): string {
  return `file/${i}-${target.replaceAll('/', '_')}`
}

function pipelineOf(i: number, target: string): string {
  return target.includes('/') ? `${target}-${i}` : `${target}/${i}-out`
}

/** The names of pipelines in the case's config, made its own: cases share one Collector. */
function ownRoutes({ config, routes = [] }: UpstreamCase, i: number): string {
  const names = routes.map((route) => route.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
  if (names.length === 0) return config
  return config.replaceAll(new RegExp(`(?<![\\w/])(${names.join('|')})(?![\\w/-])`, 'g'), (route) =>
    pipelineOf(i, route),
  )
}
