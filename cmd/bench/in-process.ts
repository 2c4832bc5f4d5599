/** The rows that need no socket: what the benchmarks beside the code print. */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

export interface InProcess {
  readonly title: string
  readonly text: string
}

interface Part {
  readonly title: string
  /** From the repository's root. */
  readonly file: string
  readonly flags?: readonly string[]
  /** Sizes, so that it shows what grows with them. */
  readonly sizes?: readonly number[]
}

const run = promisify(execFile)
const timeoutMs = 10 * 60_000

const parts: readonly Part[] = [
  { title: 'A batch in one process: columns, edits, what a full transform costs', file: 'pipeline/data/data.bench.ts' },
  {
    title: 'A span through trace_features, by how many services there are',
    file: 'connectors/trace_features/trace_features.bench.ts',
  },
  {
    title: 'A tick of features, by how many entities there are',
    file: 'processors/features/features.bench.ts',
    flags: ['--expose-gc'],
    sizes: [1_000, 2_500, 10_000],
  },
  { title: 'A tick of scores', file: 'processors/anomaly/anomaly.bench.ts', flags: ['--expose-gc'] },
  {
    title: 'An isolation forest of 100 trees over rows of 10 values',
    file: 'models/kernels/isolation-forest/isolation-forest.bench.ts',
  },
]

/** `heard` each as soon as it is there. */
export async function measureInProcess(heard: (part: InProcess) => void): Promise<InProcess[]> {
  const measured: InProcess[] = []
  for (const { title, file, flags = [], sizes = [] } of parts) {
    const path = resolve(import.meta.dirname, '../..', file)
    const { stdout } = await run(process.execPath, [...flags, path, ...sizes.map(String)], {
      timeout: timeoutMs,
      maxBuffer: 16 << 20,
    })
    const part = { title, text: stdout.trim() }
    heard(part)
    measured.push(part)
  }
  return measured
}
