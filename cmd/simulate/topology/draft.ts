/** A topology while it is being made: operations that know each other, and what a call of one means on the average. */

export interface ServiceDraft {
  readonly name: string
  readonly kind: 'service' | 'database' | 'external'
  /** 0 = where users come in. */
  readonly layer: number
  readonly operations: OperationDraft[]
}

export interface OperationDraft {
  readonly service: ServiceDraft
  readonly name: string
  median: number
  readonly sigma: number
  readonly cpu: number
  readonly steps: StepDraft[]
  /** Further keys of its YAML. */
  readonly more: Readonly<Record<string, unknown>>
}

export type StepDraft =
  | { readonly call: OperationDraft; readonly more: Readonly<Record<string, unknown>> }
  | { readonly send: string; readonly consumer: OperationDraft }
  | { readonly cache: string; readonly hit: number; readonly keys: number; readonly miss: readonly StepDraft[] }
  | { readonly parallel: readonly StepDraft[] }
  | { readonly maybe: number; readonly steps: readonly StepDraft[] }
  | { readonly repeat: number; readonly steps: readonly StepDraft[] }

const networkMs = 0.7
const cacheMs = 1.3
const publishMs = 2

/** Spans of one call, without the caller's own. */
export function spansOf(operation: OperationDraft): number {
  return (operation.service.kind === 'service' ? 1 : 0) + sum(operation.steps, spansOfStep)
}

export function spansOfStep(step: StepDraft): number {
  if ('call' in step) return (step.more['hidden'] === true ? 0 : 1) + spansOf(step.call)
  if ('send' in step) return 1 + spansOf(step.consumer)
  if ('cache' in step) return 1 + (1 - step.hit) * sum(step.miss, spansOfStep)
  if ('parallel' in step) return sum(step.parallel, spansOfStep)
  return times(step) * sum(step.steps, spansOfStep)
}

/** Milliseconds until it is answered, when nobody waits for anything. */
export function msOf(operation: OperationDraft): number {
  return operation.median * Math.exp(operation.sigma ** 2 / 2) + sum(operation.steps, msOfStep)
}

function msOfStep(step: StepDraft): number {
  if ('call' in step) return networkMs + msOf(step.call)
  if ('send' in step) return publishMs
  if ('cache' in step) return cacheMs + (1 - step.hit) * sum(step.miss, msOfStep)
  // The slowest of several is slower than each.
  if ('parallel' in step) return 1.15 * Math.max(...step.parallel.map(msOfStep))
  return times(step) * sum(step.steps, msOfStep)
}

/** How often it is called, and everything below it, per time that `operation` is. */
export function visit(operation: OperationDraft, share: number, into: Map<OperationDraft, number>): void {
  into.set(operation, (into.get(operation) ?? 0) + share)
  for (const step of operation.steps) visitStep(step, share, into)
}

function visitStep(step: StepDraft, share: number, into: Map<OperationDraft, number>): void {
  if ('call' in step) visit(step.call, share, into)
  else if ('send' in step) visit(step.consumer, share, into)
  else if ('cache' in step) for (const one of step.miss) visitStep(one, share * (1 - step.hit), into)
  else if ('parallel' in step) for (const one of step.parallel) visitStep(one, share, into)
  else for (const one of step.steps) visitStep(one, share * times(step), into)
}

function times(step: { readonly maybe: number } | { readonly repeat: number }): number {
  return 'maybe' in step ? step.maybe : step.repeat
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let all = 0
  for (const item of items) all += of(item)
  return all
}
