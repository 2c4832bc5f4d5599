// @ts-nocheck AssemblyScript, which tsc does not know.
// The kernels of the WebAssembly backend (AssemblyScript, SIMD), on TensorFlow.js's own heap: every argument named in capitals below is a place in it.
// After a change run `node models/kernels/build-simd.ts`.

// Rows that one tree is walked for before the next tree: rows and nodes stay in the nearest cache.
const BLOCK: i32 = 256

// rows [count, width], feature i32 and threshold f32 [trees, 2^depth - 1], length f32 [trees, 2^depth], sums f32 [count].
// Nodes of a tree lie as in a heap; a value at most the threshold goes left, any other (NaN too) right.
export function isolationPaths(
  rows: usize,
  count: i32,
  width: i32,
  feature: usize,
  threshold: usize,
  length: usize,
  trees: i32,
  depth: i32,
  sums: usize,
): void {
  const inner: i32 = (1 << depth) - 1
  const rowBytes = <usize>(width << 2)
  memory.fill(sums, 0, <usize>count << 2)
  for (let from = 0; from < count; from += BLOCK) {
    const to = min(count, from + BLOCK)
    for (let tree = 0; tree < trees; tree++) {
      const features = feature + (<usize>(tree * inner) << 2)
      const thresholds = threshold + (<usize>(tree * inner) << 2)
      const lengths = length + (<usize>(tree * (inner + 1)) << 2)
      let a = rows + <usize>from * rowBytes
      let sum = sums + (<usize>from << 2)
      let row = from
      // Four rows side by side: a walk waits for memory at each step, and four wait together.
      for (; row + 3 < to; row += 4) {
        const b = a + rowBytes
        const c = b + rowBytes
        const d = c + rowBytes
        let i = 0
        let j = 0
        let k = 0
        let l = 0
        for (let level = 0; level < depth; level++) {
          i = step(a, features, thresholds, i)
          j = step(b, features, thresholds, j)
          k = step(c, features, thresholds, k)
          l = step(d, features, thresholds, l)
        }
        add(sum, lengths, i - inner)
        add(sum + 4, lengths, j - inner)
        add(sum + 8, lengths, k - inner)
        add(sum + 12, lengths, l - inner)
        a = d + rowBytes
        sum += 16
      }
      for (; row < to; row++) {
        let i = 0
        for (let level = 0; level < depth; level++) i = step(a, features, thresholds, i)
        add(sum, lengths, i - inner)
        a += rowBytes
        sum += 4
      }
    }
  }
}

@inline
function step(row: usize, features: usize, thresholds: usize, node: i32): i32 {
  const at = <usize>node << 2
  const isLeft = load<f32>(row + (<usize>load<u32>(features + at) << 2)) <= load<f32>(thresholds + at)
  return 2 * node + 2 - i32(isLeft)
}

@inline
function add(sum: usize, lengths: usize, leaf: i32): void {
  store<f32>(sum, load<f32>(sum) + load<f32>(lengths + (<usize>leaf << 2)))
}
