/** The checked configuration: what `load.ts` and `decode.ts` make of YAML, and what the graph is built from. Types only. */
import type { Factory, Kind } from '../component.ts'
import type { Signal } from '../data/telemetry.ts'
import type { EngineView } from '../telemetry/engine-view.ts'
import type { ServiceTelemetry } from '../telemetry/settings.ts'
import type { Printing } from './effective.ts'
import type { ConfigTree } from './tree.ts'

/** `type[/name]`. `text` is the canonical spelling: aliases of the type stay as the user wrote them. */
export interface ComponentId {
  readonly type: string
  readonly name: string
  readonly text: string
}
/** `traces[/name]` */
export interface PipelineId {
  readonly signal: Signal
  readonly name: string
  readonly text: string
}

/** Where something stands in the user's sources. Lines and columns count from 1. */
export interface Position {
  /** As the user named it: a file path, `env:NAME`, `yaml`, an URL, or `--set`. */
  readonly source: string
  readonly line: number
  readonly column: number
}

export interface ConfigProblem {
  /** `::`-joined, as upstream writes it: `receivers::otlp::protocols`. Empty for the whole. */
  readonly path: string
  readonly message: string
  readonly position: Position | undefined
}

/** Everything that is wrong with a configuration, all at once. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map(describeProblem).join('\n'), options)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** `file:line:col path: what is wrong, what would be right` */
export function describeProblem({ path, message, position }: ConfigProblem): string {
  const where = position ? `${position.source}:${position.line}:${position.column} ` : ''
  return path === '' ? `${where}${message}` : `${where}${path}: ${message}`
}

export interface ComponentConfig<K extends Kind = Kind> {
  readonly id: ComponentId
  readonly factory: Factory<K>
  /** Output of the factory's schema; what `create` takes. For an exporter without the keys of `sending`. */
  readonly value: unknown
  /** Of an exporter: output of the `sendingKeys(factory.sending)` schema. */
  readonly sending: unknown
  /** The typed value with defaults filled in and secrets replaced, for `print-config` and zpages. */
  readonly redacted: unknown
  /** The same in other forms, for `print-config`. */
  printed(printing: Printing): unknown
  /** Equal text = equal config: what a reload compares. */
  readonly fingerprint: string
  readonly position: Position | undefined
}

export interface PipelineConfig {
  readonly id: PipelineId
  readonly receivers: readonly ComponentId[]
  readonly processors: readonly ComponentId[]
  readonly exporters: readonly ComponentId[]
  /** Where each reference stands, for errors of the graph: by `receivers::0` and so on; '' is the pipeline itself. */
  readonly positions: ReadonlyMap<string, Position>
}

export interface Config {
  /** By id text. Unused ones are decoded and validated too, never built. */
  readonly receivers: ReadonlyMap<string, ComponentConfig<'receiver'>>
  readonly processors: ReadonlyMap<string, ComponentConfig<'processor'>>
  readonly exporters: ReadonlyMap<string, ComponentConfig<'exporter'>>
  readonly connectors: ReadonlyMap<string, ComponentConfig<'connector'>>
  readonly extensions: ReadonlyMap<string, ComponentConfig<'extension'>>
  readonly service: {
    readonly telemetry: ServiceTelemetry
    /** `service::telemetry` with its defaults, as `print-config` shows it. */
    printedTelemetry(printing: Printing): unknown
    readonly extensions: readonly ComponentId[]
    readonly pipelines: ReadonlyMap<string, PipelineConfig>
    /** Files and packages that bring components, as the user wrote them. */
    readonly plugins: readonly string[]
  }
  /** Files that this configuration was read from, for `--watch`. */
  readonly files: readonly string[]
  /** What it was decoded from, for those who decode it again: worker threads. */
  readonly tree: ConfigTree
  /** That it was decoded under: a component may ask for one. */
  readonly featureGates: EngineView['featureGates']
  /** Not errors: deprecated aliases, unset environment variables, ... Logged at start, in order. */
  readonly warnings: readonly ConfigProblem[]
}

/** The component types of this build. Loading is lazy, so that a config pays only for the types it names. */
export interface Catalog {
  entries(kind: Kind): readonly CatalogEntry[]
  /** By type or alias, underscores ignored (`otlphttp` and `otlp_http` are one). */
  find(kind: Kind, type: string): CatalogEntry | undefined
}
export interface CatalogEntry {
  readonly kind: Kind
  readonly type: string
  readonly aliases: readonly string[]
  /** What `components` prints as the module: a path in this repository, or the plugin's file. */
  readonly module: string
  load(): Promise<Factory>
}
