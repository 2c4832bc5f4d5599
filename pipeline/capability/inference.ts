/** What computes models off the data path, on the GPU where there is one. */
import { capability } from './capability.ts'

export interface Inference {
  /** `model`: what `models/runtime/messages.ts` calls a model. Rejects with a `RangeError` for one that cannot be taken. */
  load(model: { readonly kind: string }): Promise<LoadedModel>
}

export interface LoadedModel {
  /** One score a row. The rows are handed over: they are gone afterwards. Rejects where nothing computes at the moment, or too much is under way. */
  score(rows: Float32Array<ArrayBuffer>): Promise<Float64Array>
  unload(): void
}

export const inference = capability<Inference>('inference')
