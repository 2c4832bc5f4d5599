/** Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub & Van Loan, sec. 8.5). O(n^3) a sweep, about 8 sweeps. */
export interface Eigen {
  /** Descending. */
  readonly values: Float64Array
  /** Row k is the unit vector of `values[k]`: `vectors[k * n + j]`. */
  readonly vectors: Float64Array
}

const maxSweeps = 60

/** `a` is n x n, row-major, symmetric and is left as it is. */
export function symmetricEigen(a: Float64Array, n: number): Eigen {
  if (a.length !== n * n) throw new RangeError(`${a.length} numbers are not ${n} x ${n}`)
  const m = Float64Array.from(a)
  const v = new Float64Array(n * n)
  for (let i = 0; i < n; i++) v[i * n + i] = 1
  const scale = Math.sqrt(sumOfSquares(m))
  for (let sweep = 0; sweep < maxSweeps && offDiagonal(m, n) > 1e-14 * scale; sweep++) {
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) rotate(m, v, n, p, q)
  }
  return descending(m, v, n)
}

function rotate(m: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = m[p * n + q] as number
  const app = m[p * n + p] as number
  const aqq = m[q * n + q] as number
  if (Math.abs(apq) <= 1e-300 || Math.abs(apq) < 1e-18 * Math.sqrt(Math.abs(app * aqq))) return
  const theta = (aqq - app) / (2 * apq)
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const c = 1 / Math.sqrt(t * t + 1)
  const s = t * c
  for (let k = 0; k < n; k++) {
    const kp = m[k * n + p] as number
    const kq = m[k * n + q] as number
    m[k * n + p] = c * kp - s * kq
    m[k * n + q] = s * kp + c * kq
  }
  for (let k = 0; k < n; k++) {
    const pk = m[p * n + k] as number
    const qk = m[q * n + k] as number
    m[p * n + k] = c * pk - s * qk
    m[q * n + k] = s * pk + c * qk
    const vp = v[p * n + k] as number
    const vq = v[q * n + k] as number
    v[p * n + k] = c * vp - s * vq
    v[q * n + k] = s * vp + c * vq
  }
}

function sumOfSquares(m: Float64Array): number {
  let sum = 0
  for (let i = 0; i < m.length; i++) sum += (m[i] as number) ** 2
  return sum
}

function offDiagonal(m: Float64Array, n: number): number {
  let sum = 0
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (i !== j) sum += (m[i * n + j] as number) ** 2
  return Math.sqrt(sum)
}

function descending(m: Float64Array, v: Float64Array, n: number): Eigen {
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => (m[b * n + b] ?? 0) - (m[a * n + a] ?? 0))
  const values = new Float64Array(n)
  const vectors = new Float64Array(n * n)
  for (const [k, from] of order.entries()) {
    values[k] = m[from * n + from] ?? 0
    vectors.set(v.subarray(from * n, from * n + n), k * n)
  }
  return { values, vectors }
}
