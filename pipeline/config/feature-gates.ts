/** Upstream's feature gates: the same names, stages and errors. `--feature-gates=a,+b,-c`. */
import { ConfigError } from './config.ts'

type Stage = 'Alpha' | 'Beta' | 'Stable' | 'Deprecated'
export interface FeatureGate {
  readonly id: string
  readonly stage: Stage
  /** Whether it changes anything in this build; the others are known, so that a command line of upstream works here. */
  readonly hasEffect: boolean
  readonly description: string
  readonly fromVersion: string
  readonly toVersion?: string
}
export interface GateState extends FeatureGate {
  readonly enabled: boolean
}

/** In upstream's order, by id. */
export const upstreamGates: readonly FeatureGate[] = [
  {
    id: 'confmap.enableMergeAppendOption',
    stage: 'Alpha',
    hasEffect: true,
    description:
      "Combines lists when resolving configs from different sources. This feature gate will not be stabilized 'as is'; the current behavior will remain the default.",
    fromVersion: 'v0.120.0',
  },
  {
    id: 'connector.servicegraph.legacyLatencyMetricNames',
    stage: 'Deprecated',
    hasEffect: false,
    description: 'When enabled, connector uses legacy latency metric names.',
    fromVersion: 'v0.80.0',
    toVersion: 'v0.154.0',
  },
  {
    id: 'connector.servicegraph.legacyLatencyUnitMs',
    stage: 'Deprecated',
    hasEffect: false,
    description: 'When enabled, connector reports latency in milliseconds, instead of seconds.',
    fromVersion: 'v0.89.0',
    toVersion: 'v0.154.0',
  },
  {
    id: 'connector.servicegraph.virtualNode',
    stage: 'Stable',
    hasEffect: true,
    description:
      'When enabled and setting `virtual_node_peer_attributes` is not empty, the connector looks for the presence of these attributes in span to create virtual server nodes.',
    fromVersion: 'v0.73.0',
    toVersion: 'v0.154.0',
  },
  {
    id: 'connector.spanmetrics.excludeResourceMetrics',
    stage: 'Alpha',
    hasEffect: true,
    description: 'When enabled, connector will exclude all resource attributes.',
    fromVersion: 'v0.137.0',
  },
  {
    id: 'connector.spanmetrics.includeCollectorInstanceID',
    stage: 'Beta',
    hasEffect: true,
    description: 'When enabled, connector add collector.instance.id to default dimensions.',
    fromVersion: 'v0.136.0',
  },
  {
    id: 'connector.spanmetrics.legacyMetricNames',
    stage: 'Alpha',
    hasEffect: true,
    description: 'When enabled, connector uses legacy metric names.',
    fromVersion: 'v0.109.0',
  },
  {
    id: 'connector.spanmetrics.useSecondAsDefaultMetricsUnit',
    stage: 'Alpha',
    hasEffect: true,
    description: 'When enabled, connector use second as default unit for duration metrics.',
    fromVersion: 'v0.137.0',
  },
  {
    id: 'exporter.file.nativeCompression',
    stage: 'Alpha',
    hasEffect: false,
    description:
      'Use native file-level compression (zstd) instead of message-level compression. Creates standard .zst files compatible with standard decompression tools',
    fromVersion: 'v0.154.0',
  },
  {
    id: 'extension.healthcheck.useComponentStatus',
    stage: 'Alpha',
    hasEffect: true,
    description: 'Switch to the shared healthcheck implementation powered by component status events',
    fromVersion: 'v0.142.0',
  },
  {
    id: 'pdata.useProtoPooling',
    stage: 'Alpha',
    hasEffect: false,
    description:
      'When enabled, enable using local memory pools for underlying data that the pdata messages are pushed to.',
    fromVersion: 'v0.133.0',
  },
  {
    id: 'pkg.confighttp.PrioritizeNewKeepalive',
    stage: 'Stable',
    hasEffect: false,
    description: 'When enabled, the Keepalive configuration is prioritized over the deprecated configuration fields.',
    fromVersion: 'v0.162.0',
    toVersion: 'v0.166.0',
  },
  {
    id: 'pkg.configmiddleware.CustomTCPRouting',
    stage: 'Alpha',
    hasEffect: false,
    description:
      'When enabled, TCP-based clients and servers can override their dialing and listening behaviors to use custom TCP routing.',
    fromVersion: 'v0.164.0',
  },
  {
    id: 'pkg.exporterhelper.queueBatchEnabled',
    stage: 'Alpha',
    hasEffect: false,
    description:
      'Enables exporterhelper batching by default in NewDefaultQueueConfig, as described in the batching migration RFC.',
    fromVersion: 'v0.158.0',
  },
  {
    id: 'postgresqlreceiver.preciselagmetrics',
    stage: 'Beta',
    hasEffect: false,
    description: 'Metric `postgresql.wal.lag` is replaced by more precise `postgresql.wal.delay`.',
    fromVersion: 'v0.89.0',
  },
  {
    id: 'processor.azuredetector.RenameResourceGroupAttribute',
    stage: 'Alpha',
    hasEffect: true,
    description:
      'When enabled, the azure detector emits the azure.resource_group.name resource attribute instead of the deprecated azure.resourcegroup.name.',
    fromVersion: 'v0.165.0',
  },
  {
    id: 'processor.k8sattributes.DontEmitV0K8sConventions',
    stage: 'Alpha',
    hasEffect: true,
    description: 'When enabled, semconv legacy attributes are disabled.',
    fromVersion: 'v0.145.0',
  },
  {
    id: 'processor.k8sattributes.EmitV1K8sConventions',
    stage: 'Alpha',
    hasEffect: true,
    description: 'When enabled, semconv stable attributes are enabled.',
    fromVersion: 'v0.145.0',
  },
  {
    id: 'processor.k8sattributes.ShareProcessorBetweenPipelines',
    stage: 'Alpha',
    hasEffect: false,
    description:
      'When enabled, processor instances with identical configuration are shared across different signal type pipelines, reducing duplicate Kubernetes API watchers.',
    fromVersion: 'v0.150.0',
  },
  {
    id: 'processor.k8sattributes.telemetry.disableOldFormatMetrics',
    stage: 'Beta',
    hasEffect: true,
    description: 'When enabled, old formatted internal telemetry metrics are disabled.',
    fromVersion: 'v0.146.0',
  },
  {
    id: 'processor.k8sattributes.telemetry.enableNewFormatMetrics',
    stage: 'Beta',
    hasEffect: true,
    description: 'When enabled, new formatted internal telemetry metrics are enabled.',
    fromVersion: 'v0.146.0',
  },
  {
    id: 'processor.resourcedetection.consul.prefixMetaAttributes',
    stage: 'Alpha',
    hasEffect: true,
    description:
      'When enabled, Consul node metadata is emitted as `consul.meta.<key>` resource attributes instead of `<key>`.',
    fromVersion: 'v0.159.0',
  },
  {
    id: 'processor.resourcedetection.elasticbeanstalk.DontEmitV0DeploymentConventions',
    stage: 'Alpha',
    hasEffect: true,
    description:
      'When enabled, the detector no longer emits the deprecated deployment.environment and service.instance.id resource attributes. Requires processor.resourcedetection.elasticbeanstalk.EmitV1DeploymentConventions to also be enabled.',
    fromVersion: 'v0.159.0',
  },
  {
    id: 'processor.resourcedetection.elasticbeanstalk.EmitV1DeploymentConventions',
    stage: 'Alpha',
    hasEffect: true,
    description:
      'When enabled, the detector emits deployment.environment.name and deployment.id instead of the deprecated deployment.environment and service.instance.id.',
    fromVersion: 'v0.159.0',
  },
  {
    id: 'processor.resourcedetection.openshift.removeCloudNameRegion',
    stage: 'Alpha',
    hasEffect: true,
    description: 'When enabled, the cloud name of Azure and OpenStack clusters is no longer reported as cloud.region.',
    fromVersion: 'v0.165.0',
  },
  {
    id: 'processor.tailsamplingprocessor.metricstatcountbytessampled',
    stage: 'Alpha',
    hasEffect: true,
    description:
      'When enabled, a new metric stat_count_bytes_sampled will be available in the tail sampling processor. Differently from stat_count_traces_sampled, this metric will count the number of bytes sampled or not per sampling policy, where the original counts traces.',
    fromVersion: 'v0.152.0',
  },
  {
    id: 'processor.tailsamplingprocessor.metricstatcountspanssampled',
    stage: 'Alpha',
    hasEffect: true,
    description:
      'When enabled, a new metric stat_count_spans_sampled will be available in the tail sampling processor. Differently from stat_count_traces_sampled, this metric will count the number of spans sampled or not per sampling policy, where the original counts traces.',
    fromVersion: 'v0.95.0',
  },
  {
    id: 'processor.tailsamplingprocessor.recordpolicy',
    stage: 'Alpha',
    hasEffect: true,
    description:
      "When enabled, attaches the name of the policy (and if applicable, composite policy) responsible for sampling a trace in the 'tailsampling.policy', 'tailsampling.composite_policy', and `tailsampling.cached_decision` attributes.",
    fromVersion: 'v0.120.0',
  },
  {
    id: 'processor.tailsamplingprocessor.tailstorageextension',
    stage: 'Alpha',
    hasEffect: false,
    description: 'When enabled, allows configuring tail_storage to use a tail storage extension implementation.',
    fromVersion: 'v0.150.0',
  },
  {
    id: 'processor.tailsamplingprocessor.usetracestate',
    stage: 'Alpha',
    hasEffect: true,
    description:
      "When enabled, sampling policies consult OpenTelemetry probability sampling information carried in W3C tracestate (the 'rv' and 'th' fields of the 'ot' section). The 'probabilistic' policy uses tracestate randomness for its sampling decision (falling back to the legacy FNV trace ID hash when no tracestate sampling info is present), and the processor rewrites the outgoing 'th' on sampled traces to the effective threshold across all matched policies.",
    fromVersion: 'v0.154.0',
  },
  {
    id: 'receiver.postgresql.connectionPool',
    stage: 'Beta',
    hasEffect: false,
    description: 'Use of connection pooling',
    fromVersion: 'v0.96.0',
  },
  {
    id: 'receiver.postgresql.separateSchemaAttr',
    stage: 'Alpha',
    hasEffect: true,
    description: 'Moves Schema Names into dedicated Attribute',
    fromVersion: 'v0.122.0',
  },
  {
    id: 'receiver.postgresql.useOTelSemconv',
    stage: 'Alpha',
    hasEffect: true,
    description:
      'When enabled, uses a single resource per server with server.address, server.port, and service.instance.id (UUID v5) resource attributes, aligning with OpenTelemetry semantic conventions. When disabled, uses the legacy per-entity resource model with postgresql.database.name, postgresql.table.name, postgresql.index.name, and postgresql.schema.name resource attributes.',
    fromVersion: 'v0.156.0',
  },
  {
    id: 'receiverhelper.newReceiverMetrics',
    stage: 'Alpha',
    hasEffect: false,
    description:
      'Controls whether receivers emit new metrics and span attributes to distinguish downstream errors from internal errors. This is a breaking change for the semantics of the otelcol_receiver_refused_metric_points,  otelcol_receiver_refused_log_records and otelcol_receiver_refused_spans.',
    fromVersion: 'v0.138.0',
  },
  {
    id: 'service.AllowNoPipelines',
    stage: 'Alpha',
    hasEffect: true,
    description: 'Allow starting the Collector without starting any pipelines.',
    fromVersion: 'v0.122.0',
  },
  {
    id: 'service.partialReload',
    stage: 'Alpha',
    hasEffect: false,
    description:
      'Controls whether configuration changes trigger a partial reload that rebuilds only the affected components.',
    fromVersion: 'v0.157.0',
  },
  {
    id: 'service.partialReloadReceivers',
    stage: 'Beta',
    hasEffect: false,
    description: 'Controls whether receiver-only configuration changes restart only the receivers.',
    fromVersion: 'v0.157.0',
  },
  {
    id: 'service.profilesSupport',
    stage: 'Alpha',
    hasEffect: true,
    description: 'Controls whether profiles support can be enabled',
    fromVersion: 'v0.112.0',
  },
  {
    id: 'spanmetrics.statusCodeConvention.useOtelPrefix',
    stage: 'Alpha',
    hasEffect: true,
    description:
      'When enabled, generated metrics will use `otel.status_code=ERROR` instead of `status.code=STATUS_CODE_ERROR`',
    fromVersion: 'v0.141.0',
  },
  {
    id: 'telemetry.newPipelineTelemetry',
    stage: 'Alpha',
    hasEffect: false,
    description: 'Injects component-identifying scope attributes in internal Collector metrics',
    fromVersion: 'v0.123.0',
  },
  {
    id: 'transform.flatten.logs',
    stage: 'Alpha',
    hasEffect: true,
    description:
      'Flatten log data prior to transformation so every record has a unique copy of the resource and scope. Regroups logs based on resource and scope after transformations.',
    fromVersion: 'v0.103.0',
  },
]

export class FeatureGates {
  /** To log at start. */
  readonly warnings: readonly string[]
  readonly #states: ReadonlyMap<string, GateState>

  constructor(states: readonly GateState[], warnings: readonly string[]) {
    this.#states = new Map(states.map((state) => [state.id, state]))
    this.warnings = warnings
  }

  /** False for a gate that does not exist. */
  isEnabled(id: string): boolean {
    return this.#states.get(id)?.enabled ?? false
  }
  find(id: string): GateState | undefined {
    return this.#states.get(id)
  }
  all(): readonly GateState[] {
    return [...this.#states.values()]
  }
}

/** Each value is one `--feature-gates`. Throws `ConfigError` with upstream's words. */
export function parseFeatureGates(values: readonly string[], gates = upstreamGates): FeatureGates {
  const states = new Map(gates.map((gate) => [gate.id, { ...gate, enabled: startsEnabled(gate) }]))
  const warnings: string[] = []
  const problems = values.flatMap((value) => {
    const wrong = value === '' ? [] : value.split(',').flatMap((word, i) => setGate(states, word, i, warnings))
    return wrong.length === 0 ? [] : [`invalid argument "${value}" for "--feature-gates" flag: ${wrong.join('; ')}`]
  })
  if (problems.length > 0)
    throw new ConfigError(problems.map((message) => ({ path: '', message, position: undefined })))
  return new FeatureGates([...states.values()], warnings)
}

function startsEnabled({ stage }: FeatureGate): boolean {
  return stage === 'Beta' || stage === 'Stable'
}

/** The answer is what is wrong. */
function setGate(states: Map<string, GateState>, word: string, index: number, warnings: string[]): readonly string[] {
  const id = word.replace(/^[-+]/, '')
  const enabled = !word.startsWith('-')
  if (id === '') return [`empty feature gate identifier at index ${index}`]
  const gate = states.get(id)
  if (gate === undefined) return [`no such feature gate "${id}". valid gates: [${[...states.keys()].join(' ')}]`]
  const removal = `It will be removed in version ${gate.toVersion?.replace(/^v/, '') ?? 'a later release'}`
  if (gate.stage === 'Stable') {
    if (!enabled) return [`feature gate "${id}" is stable, can not be disabled`]
    warnings.push(`Feature gate "${id}" is stable and already enabled. ${removal}.`)
    return []
  }
  if (gate.stage === 'Deprecated') {
    if (enabled) return [`feature gate "${id}" is deprecated, can not be enabled`]
    warnings.push(`Feature gate "${id}" is deprecated and already disabled. ${removal}.`)
    return []
  }
  if (!gate.hasEffect && enabled !== startsEnabled(gate))
    warnings.push(`Feature gate "${id}" has no effect in this build.`)
  states.set(id, { ...gate, enabled })
  return []
}
