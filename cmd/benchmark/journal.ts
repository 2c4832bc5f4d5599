/**
 * Runs that were played, one line of JSON each, so that a set can be played over several sittings. A line says to which set it belongs and who was measured:
 * what was played otherwise must not get among them.
 */
import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage } from '../../pipeline/error-message.ts'
import type { RunRecord } from './play-one.ts'
import type { ScenarioSet } from './scenario-set.ts'
import { subjectsOf } from './subjects.ts'

/** What must be alike for two records to belong together. */
interface Identity {
  readonly topology: string
  readonly seed: number
  /** Of the simulator and of how sets are drawn. */
  readonly version: string
  /** Of the set. */
  readonly set: string
  /** The hash of the configuration under test. */
  readonly config: string
  readonly subjects: string
  readonly repairs: boolean
}

const names: Readonly<Record<keyof Identity, string>> = {
  topology: 'topology',
  seed: 'seed',
  version: 'version of the simulator',
  set: 'set',
  config: 'configuration',
  subjects: 'subjects',
  repairs: 'measure of repairs (--no-repairs)',
}

interface Line extends Identity {
  readonly record: RunRecord
}

export interface Journal {
  /** By the name of the run. */
  readonly records: ReadonlyMap<string, RunRecord>
  add(record: RunRecord): Promise<void>
}

/** Nothing is written down. */
export function memoryJournal(): Journal {
  const records = new Map<string, RunRecord>()
  return { records, add: async (record) => void records.set(record.run, record) }
}

interface Playing {
  readonly topology: string
  readonly seed: number
  readonly set: ScenarioSet
  readonly config: string | undefined
  readonly hasRepairs: boolean
}

/** Throws where the folder has lines of another set. */
export async function openJournal(folder: string, played: Playing): Promise<Journal> {
  const identity = await identityOf(played)
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${played.topology}.jsonl`)
  const records = new Map<string, RunRecord>()
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new Error(`cannot read ${file}: ${errorMessage(error)}`, { cause: error })
  })
  // A line that has no end was cut off in the middle: its run is played again.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  for (const [i, one] of whole.split('\n').entries()) {
    if (one === '') continue
    const line = parse(one, `${file}:${i + 1}`)
    checkBelongs(line, identity, `${file}:${i + 1}`)
    records.set(line.record.run, line.record)
  }
  if (whole.length < text.length) await truncate(file, Buffer.byteLength(whole))
  return {
    records,
    async add(record) {
      records.set(record.run, record)
      const line: Line = { ...identity, record }
      await appendFile(file, `${JSON.stringify(line)}\n`)
    },
  }
}

async function identityOf({ topology, seed, set, config, hasRepairs }: Playing): Promise<Identity> {
  const text = config === undefined ? undefined : await readFile(config)
  return {
    topology,
    seed,
    version: set.version,
    set: set.hash,
    config: text === undefined ? 'pass-through' : createHash('sha256').update(text).digest('hex').slice(0, 16),
    subjects: subjectsOf(config)
      .map(({ name }) => name)
      .join('; '),
    repairs: hasRepairs,
  }
}

function parse(text: string, where: string): Line {
  try {
    return JSON.parse(text) as Line
  } catch (error) {
    throw new Error(`${where} is no line of a benchmark (${errorMessage(error)}): give --resume another folder`, {
      cause: error,
    })
  }
}

function checkBelongs(line: Line, identity: Identity, where: string): void {
  for (const key of Object.keys(names) as (keyof Identity)[]) {
    if (line[key] === identity[key]) continue
    throw new Error(
      `${where} was played with another ${names[key]}: ${line[key]}, not ${identity[key]}. ` +
        'Repeat the options that it was begun with, or give --resume another folder',
    )
  }
}
