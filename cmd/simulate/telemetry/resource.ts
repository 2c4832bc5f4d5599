/** Who an instance says it is: the resource that an SDK with Kubernetes' downward API sends. */
import type { Instance } from '../world/instance.ts'
import type { World } from '../world/world.ts'

export type Attributes = Readonly<Record<string, string | number | boolean>>

const sdkVersions = { nodejs: '2.2.0', java: '1.57.0', python: '1.39.0', go: '1.39.0', dotnet: '1.14.0' } as const

/** Of telemetry that the instance itself sends. */
export function sdkResource(world: World, instance: Instance): Attributes {
  const { spec } = instance.service
  return {
    ...podResource(world, instance),
    'service.name': instance.service.name,
    ...(spec.namespace === '' ? {} : { 'service.namespace': spec.namespace }),
    'service.version': instance.version.name,
    'service.instance.id': instance.name,
    'deployment.environment.name': world.topology.environment,
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': spec.language,
    'telemetry.sdk.version': sdkVersions[spec.language],
  }
}

/** Of telemetry about the pod, which somebody else collects. */
export function podResource(world: World, { service, name, machine }: Instance): Attributes {
  return {
    'k8s.cluster.name': world.topology.cluster,
    'k8s.namespace.name': service.spec.namespace || world.topology.name,
    'k8s.deployment.name': service.name,
    'k8s.pod.name': name,
    'k8s.node.name': machine.name,
    'host.name': machine.name,
  }
}

export function isInstrumented({ service }: Instance): boolean {
  return service.spec.kind === 'service'
}
