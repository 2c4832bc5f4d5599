import { Rejected } from '../component.ts'
import type { Batch } from '../data/telemetry.ts'
import { errorMessage } from '../error-message.ts'
import type { Inlet, Prepared } from './inlet.ts'

/** One inlet over several: all of them get the same bytes, none of them gets the batch unless each had a place for it. */
export function fanOut(inlets: readonly Inlet[]): Inlet {
  const [only] = inlets
  if (only !== undefined && inlets.length === 1) return only
  return { prepare: (batch) => prepareAll(inlets, batch) }
}

async function prepareAll(inlets: readonly Inlet[], batch: Batch): Promise<Prepared> {
  const prepared: Prepared[] = []
  try {
    for (const inlet of inlets) prepared.push(await inlet.prepare(batch))
  } catch (error) {
    for (const one of prepared) one.release()
    throw error
  }
  // Those that can still fail go first, while all others can still be released.
  const inOrder = [...prepared.filter((one) => !one.certain), ...prepared.filter((one) => one.certain)]
  return {
    certain: inOrder.every((one) => one.certain),
    commit: () => commitAll(inOrder),
    release: () => {
      for (const one of inOrder) one.release()
    },
  }
}

/**
 * A first refusal releases all others: nobody has the batch. After one has taken it, the others are still offered it, as upstream does,
 * and the sender hears what failed; its retry then repeats what got through.
 */
async function commitAll(prepared: readonly Prepared[]): Promise<void> {
  const failures: unknown[] = []
  for (const [index, one] of prepared.entries()) {
    try {
      await one.commit()
    } catch (error) {
      if (index === 0) {
        for (const other of prepared.slice(1)) other.release()
        throw combine([error])
      }
      failures.push(error)
    }
  }
  if (failures.length > 0) throw combine(failures)
}

/** One refusal out of several, of the whole batch: `remaining` of one branch says nothing about the others. */
function combine(failures: readonly unknown[]): unknown {
  const refusals = failures.filter((failure) => failure instanceof Rejected)
  const bug = failures.find((failure) => !(failure instanceof Rejected))
  if (bug !== undefined && refusals.length === 0) return bug
  const waits = refusals.map((refusal) => refusal.retryAfterMs ?? 0)
  const retryAfterMs = Math.max(0, ...waits)
  return new Rejected(failures.map((failure) => errorMessage(failure)).join('; '), {
    // A retry may repeat what got through; a permanent answer would lose what another branch could still take.
    retryable: refusals.some((refusal) => refusal.retryable),
    ...(retryAfterMs > 0 ? { retryAfterMs } : {}),
    cause: new AggregateError(failures),
  })
}
