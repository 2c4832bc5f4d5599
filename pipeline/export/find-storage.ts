import { type Storage, storage } from '../capability/storage.ts'
import type { SenderContext } from './exporting.ts'

/** Throws upstream's error when `id` is no storage extension that runs. */
export function findStorage(context: SenderContext, id: string): Storage {
  try {
    return context.extension(storage, id)
  } catch (cause) {
    const exists = context.engine.components.some((one) => one.kind === 'extension' && one.id === id)
    const message = exists
      ? `requested extension is not a storage extension: "${id}"; name one like file_storage in sending_queue::storage`
      : `no storage client extension found: add "${id}" to extensions and to service::extensions`
    throw new Error(message, { cause })
  }
}
