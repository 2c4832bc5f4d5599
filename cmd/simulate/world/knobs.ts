/** What faults and actions turn: on a service, a version, an instance, an operation or an edge. All of those that apply to a request act together. */
export class Knobs {
  /** They act on instances of this release and of later ones: a mistake in the code is not in what was released before it. */
  since = 0
  /** Multiplies the time that computes. */
  cpuFactor = 1
  /** Multiplies the time that waits (disk, a foreign API inside the operation). */
  waitFactor = 1
  /** Share of requests that fail at the end of their own work. */
  errorShare = 0
  /** `error.type` and the log template of those failures. */
  errorType = 'InternalError'
  /** Share of requests that fail before they do anything: fast errors. */
  earlyErrorShare = 0
  /** Share of requests that return after their first half, without the calls that follow: a wrong result in good time. */
  cutShare = 0
  /** Added to the network on the way in, in ms. */
  delayMs = 0
  /** Share of packets lost on the way in; each loss costs a retransmission. */
  loss = 0
  /** Memory that each request leaves behind, in bytes. */
  leakPerRequest = 0
}
