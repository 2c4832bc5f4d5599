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
