/** The pages of `/debug`: what the engine is and does right now. */
import { shownCommandLine } from '../../pipeline/telemetry/command-line.ts'
import type { ComponentView, EngineView, FlowView } from '../../pipeline/telemetry/engine-view.ts'
import { type Html, html, join, page, table } from './html.ts'

export function servicez({ build, phase, startedUnixNano, readySinceUnixNano }: EngineView): string {
  const versions = [
    ['Command', build.command],
    ['Description', build.description],
    ['Version', build.version],
  ]
  const runtime = [
    ['StartTimestamp', time(startedUnixNano)],
    ['ReadyTimestamp', readySinceUnixNano === 0n ? 'not yet' : time(readySinceUnixNano)],
    ['Phase', phase],
    ['Node', process.version],
    ['OS', process.platform],
    ['Arch', process.arch],
  ]
  return page(
    `Service ${build.command}`,
    html`<b>Build Info:</b>${table([], versions)}<b>Runtime Info:</b>${table([], runtime)}`,
  )
}

export function pipelinez(engine: EngineView, query: URLSearchParams): string {
  const rows = [...engine.pipelines]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, signal, receivers, processors, exporters }) => {
      const links = (ids: readonly string[], kind: string) => componentLinks(engine, id, ids, kind)
      return [
        id,
        signal,
        join(links(receivers, 'receiver'), html`<br>`),
        html`&rarr; ${links(processors, 'processor').map((link) => html`${link} &rarr; `)}`,
        join(links(exporters, 'exporter'), html`<br>`),
      ]
    })
  const head = ['FullName', 'InputType', 'Receivers', 'Processors', 'Exporters']
  return page('Pipelines', html`${table(head, rows)}${edges(engine)}${chosen(engine, query)}`)
}

/** What went in and out of each component, pipeline by pipeline. A component that stands in several is counted there as a whole. */
function edges(engine: EngineView): Html {
  const rows = engine.pipelines.flatMap(({ id, signal, receivers, processors, exporters }) => {
    const all = [
      ...receivers.map((name) => [name, 'receiver'] as const),
      ...processors.map((name) => [name, 'processor'] as const),
      ...exporters.map((name) => [name, 'exporter'] as const),
    ]
    return all.map(([name, kind]) => {
      const view = find(engine, id, name, kind)
      // A connector gives to this pipeline, or takes from it.
      const taken = kind === 'receiver' ? undefined : view?.taken[signal]
      const given = view?.kind === 'connector' && kind === 'exporter' ? undefined : view?.given[signal]
      return [id, name, kind, ...figures(taken), ...figures(given)]
    })
  })
  const side = (name: string) => [`${name} batches`, `${name} items`, `${name} bytes`, `${name} refused items`]
  return html`<h3>Edges</h3>${table(['Pipeline', 'Component', 'Kind', ...side('in'), ...side('out')], rows)}`
}

function figures(flow: FlowView | undefined): readonly (string | number)[] {
  return flow === undefined ? ['', '', '', ''] : [flow.batches, flow.items, flow.bytes, flow.refusedItems]
}

export function extensionz(engine: EngineView, query: URLSearchParams): string {
  const rows = engine.components
    .filter(({ kind }) => kind === 'extension')
    .map((view) => [link('extensionz', { zextensionname: view.id }, view.id), state(view), view.message])
  const name = query.get('zextensionname')
  const view = engine.components.find(({ kind, id }) => kind === 'extension' && id === name)
  return page('Extensions', html`${table(['Extension', 'State', ''], rows)}${view ? details(view) : html``}`)
}

export function featurez({ featureGates }: EngineView): string {
  const rows = featureGates.map(({ id, enabled, stage, description }) => [id, enabled, description, stage])
  return page('Feature Gates', table(['ID', 'Enabled', 'Description', 'Stage'], rows))
}

/** For programs: every component with its state and its config, secrets redacted. */
export function componentz({ build, phase, components, pipelines }: EngineView): string {
  const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)
  return `${JSON.stringify({ build, phase, pipelines, components }, plain, 2)}\n`
}

export function expvarz(): string {
  const cmdline = shownCommandLine(process.argv)
  return `${JSON.stringify({ cmdline, memstats: process.memoryUsage(), uptime: process.uptime() }, null, 2)}\n`
}

function componentLinks(engine: EngineView, pipeline: string, ids: readonly string[], kind: string): Html[] {
  return ids.map((id) => {
    const view = find(engine, pipeline, id, kind)
    const name = view?.kind === 'connector' ? `${id} (connector)` : id
    const query = { zpipelinename: pipeline, zcomponentname: id, zcomponentkind: kind }
    return html`${link('pipelinez', query, name)} ${view ? state(view) : html``}`
  })
}

/** A connector stands in a pipeline as a receiver or an exporter. */
function find(engine: EngineView, pipeline: string, id: string, kind: string): ComponentView | undefined {
  const here = (view: ComponentView) => view.pipeline === undefined || view.pipeline === pipeline
  return (
    engine.components.find((view) => view.id === id && view.kind === kind && here(view)) ??
    engine.components.find((view) => view.id === id && view.kind === 'connector' && kind !== 'processor')
  )
}

function chosen(engine: EngineView, query: URLSearchParams): Html {
  const id = query.get('zcomponentname')
  if (id === null) return html``
  const view = find(engine, query.get('zpipelinename') ?? '', id, query.get('zcomponentkind') ?? '')
  return view ? details(view) : html`<p>No component ${id} here.</p>`
}

function details(view: ComponentView): Html {
  const facts = [
    ['Kind', view.kind],
    ['State', state(view)],
    ['Since', time(view.sinceUnixNano)],
    ['Message', view.message],
    ['Stability', JSON.stringify(view.stability)],
  ]
  return html`<h3>${view.id}</h3>${table([], facts)}<pre>${JSON.stringify(view.config, undefined, 2) ?? ''}</pre>`
}

function state({ state: name }: ComponentView): Html {
  const isBad = name === 'recoverable' || name === 'permanent' || name === 'fatal'
  return html`<span class="${isBad ? 'bad' : 'ok'}">${name}</span>`
}

function link(target: string, query: Record<string, string>, text: string): Html {
  return html`<a href="/debug/${target}?${new URLSearchParams(query).toString()}">${text}</a>`
}

function time(unixNano: bigint): string {
  return new Date(Number(unixNano / 1_000_000n)).toISOString()
}
