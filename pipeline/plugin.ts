/** The one module a plugin imports. */
export { z } from 'zod'
export {
  type Context,
  defineConnector,
  defineExporter,
  defineExtension,
  defineProcessor,
  defineReceiver,
  held,
  Rejected,
} from './component.ts'
export { byteSize, componentId, duration, headers, list, optional, secret } from './config/fields.ts'
export { newLogs, newMetrics, newTraces, spanEvent, spanLink } from './data/builders.ts'
export { double, key } from './data/value.ts'
