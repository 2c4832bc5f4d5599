/** What is read of spans and their resources, by old and new semantic conventions. */
import { key } from '../../pipeline/data/value.ts'
import { spanTexts } from '../../pipeline/vocabulary/span-texts.ts'

/** In the order of `ResourceTexts`. */
export const resourceKeys = [
  'service.name',
  'service.namespace',
  'service.version',
  'service.instance.id',
  'k8s.pod.name',
  'host.name',
  'k8s.cluster.name',
  'deployment.environment.name',
  'deployment.environment',
].map((name) => key(name))

export const spanKeys = Object.values(spanTexts).flatMap((names) => names.map((name) => key(name)))
