/** Profiles of V8, summed into one tree of calls: what a profile of any length takes is bounded by the program, not by the time. */
import type { HeapProfiler, Profiler } from 'node:inspector'

export interface Frame {
  readonly functionName: string
  readonly url: string
  /** Both count from 0; -1 = not known. */
  readonly lineNumber: number
  readonly columnNumber: number
}

export class CallNode {
  readonly frame: Frame
  readonly parent: CallNode | undefined
  readonly children = new Map<string, CallNode>()
  samples = 0
  /** Nanoseconds or bytes. */
  value = 0

  constructor(frame: Frame, parent: CallNode | undefined) {
    this.frame = frame
    this.parent = parent
  }
}

const maxNodes = 200_000
const rootFrame: Frame = { functionName: '(root)', url: '', lineNumber: -1, columnNumber: -1 }
/** Waiting is no work: Go's CPU profiles have none either. */
const idle = '(idle)'

export class CallTree {
  readonly root = new CallNode(rootFrame, undefined)
  #size = 0

  addCpu({ nodes, samples = [], timeDeltas = [], startTime, endTime }: Profiler.Profile): void {
    const own = new Map(nodes.map((node) => [node.id, { samples: 0, micros: 0 }]))
    let micros = startTime
    for (const [i, id] of samples.entries()) {
      micros += timeDeltas[i] ?? 0
      const next = i + 1 < samples.length ? (timeDeltas[i + 1] ?? 0) : endTime - micros
      const found = own.get(id)
      if (found === undefined) continue
      found.samples++
      // A sample stands for the time until the next one. Deltas may be negative: V8 does not sort what its threads took.
      found.micros += Math.max(0, next)
    }
    const places = new Map<number, CallNode>()
    const [top] = nodes
    if (top !== undefined) places.set(top.id, this.root)
    // V8 lists a parent before its children.
    for (const node of nodes) {
      const place = places.get(node.id)
      if (place === undefined) continue
      const { samples: count = 0, micros: time = 0 } = own.get(node.id) ?? {}
      if (node.callFrame.functionName !== idle) {
        place.samples += count
        place.value += time * 1_000
      }
      for (const id of node.children ?? []) {
        const child = nodes[id - 1]?.id === id ? nodes[id - 1] : nodes.find((one) => one.id === id)
        if (child !== undefined) places.set(id, this.#child(place, child.callFrame))
      }
    }
  }

  addHeap({ head }: HeapProfiler.SamplingHeapProfile): void {
    const open = [{ node: head, place: this.root }]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { node, place } = next
      if (node.selfSize > 0) place.samples++
      place.value += node.selfSize
      for (const child of node.children) open.push({ node: child, place: this.#child(place, child.callFrame) })
    }
  }

  /** Every node that has something of its own. */
  *used(): Generator<CallNode> {
    const open = [this.root]
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node.samples > 0 || node.value > 0) yield node
      open.push(...node.children.values())
    }
  }

  #child(parent: CallNode, frame: Frame): CallNode {
    const key = `${frame.functionName}\n${frame.url}\n${frame.lineNumber}:${frame.columnNumber}`
    const known = parent.children.get(key)
    if (known !== undefined) return known
    // What a full tree cannot hold is booked to its caller.
    if (this.#size >= maxNodes) return parent
    this.#size++
    const { functionName, url, lineNumber, columnNumber } = frame
    const child = new CallNode({ functionName, url, lineNumber, columnNumber }, parent)
    parent.children.set(key, child)
    return child
  }
}
