/** The gRPC services of OTLP, over an intake. */
import type { Signal } from '../../pipeline/data/telemetry.ts'
import type { UnaryHandler } from '../../pipeline/net/grpc-call.ts'
import { type Intake, originOf } from './intake.ts'
import { checkProfilesVersion } from './profiles-version.ts'

const paths: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  profiles: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
}
/** `Export*ServiceResponse` without a partial success. */
const accepted = new Uint8Array(0)

/** Only of the signals that some pipeline takes: the others are UNIMPLEMENTED, as upstream. */
export function grpcMethods(intake: Intake, signals: ReadonlySet<Signal>): ReadonlyMap<string, UnaryHandler> {
  const methods = new Map<string, UnaryHandler>()
  for (const signal of signals)
    methods.set(paths[signal], async (message, { peer, metadata, headers, auth }) => {
      if (signal === 'profiles') checkProfilesVersion(headers)
      await intake.accept(signal, message, 'proto', originOf('grpc', peer, metadata, auth, headers['traceparent']))
      return accepted
    })
  return methods
}
