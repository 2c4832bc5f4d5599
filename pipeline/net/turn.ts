/**
 * Requests that arrive together are worked on in several turns of the event loop: a client may have megabytes in flight, which one read hands
 * over at once, and all of it in one turn would hold up everything else for as long.
 */

/** The work of requests in one turn; the last one begun may take it a little further. */
const turnMs = 2

let begunMs: number | undefined
let waiting = 0

/** Runs `work` now while the turn is young and nobody waits, else in a later one; in order of the calls. */
export function inTurn(work: () => void): void {
  if (waiting === 0 && isYoung()) {
    work()
    return
  }
  waiting++
  setImmediate(tryAgain, work)
}

function tryAgain(work: () => void): void {
  if (!isYoung()) {
    setImmediate(tryAgain, work)
    return
  }
  waiting--
  work()
}

function isYoung(): boolean {
  const nowMs = performance.now()
  if (begunMs === undefined) {
    begunMs = nowMs
    // Immediates run once in each turn: this one before those that are put off from now on.
    setImmediate(endTurn)
  }
  return nowMs - begunMs < turnMs
}

function endTurn(): void {
  begunMs = undefined
}
