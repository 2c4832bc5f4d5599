/** The events that a `file` exporter wrote down: read as a stream, oldest first, while Vigil goes on writing. */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { noOrigin } from '../../pipeline/data/batch.ts'
import { readOtlp } from '../../pipeline/data/read-otlp.ts'
import type { LogRecord, Logs, Resource } from '../../pipeline/data/telemetry.ts'
import { errorMessage } from '../../pipeline/error-message.ts'

export type Recorded = LogRecord & { readonly resource: Resource }

const rotated = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}/

/**
 * Gives each log record of the file, those of its rotated predecessors first. Resolves with the number of lines that are no OTLP JSON; a last one that is
 * being written is none of them. Throws where there is no such file, or where it is not in lines of JSON.
 */
export async function readRecorded(path: string, take: (record: Recorded) => void): Promise<number> {
  let [read, broken] = [0, 0]
  for (const file of [...(await predecessorsOf(path)), path]) {
    let last: string | undefined
    const look = (line: string) => {
      if (takeLine(line, take)) read++
      else broken++
    }
    for await (const line of linesOf(file)) {
      if (last !== undefined) look(last)
      last = line
    }
    if (last !== undefined && !takeLine(last, take)) broken += file === path ? 0 : 1
    else if (last !== undefined) read++
  }
  if (read === 0 && broken > 0)
    throw new Error(
      `nothing in ${path} is OTLP JSON: write it by a file exporter with "format: json" and without compression`,
    )
  return broken
}

async function predecessorsOf(path: string): Promise<readonly string[]> {
  const [folder, extension] = [dirname(path), extname(path)]
  const prefix = `${basename(path, extension)}-`
  const names = await readdir(folder).catch(() => [])
  return names
    .filter((name) => name.startsWith(prefix) && name.endsWith(extension) && rotated.test(name.slice(prefix.length)))
    .sort()
    .map((name) => join(folder, name))
}

async function* linesOf(path: string): AsyncIterable<string> {
  const stream = createReadStream(path)
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }))
      if (line !== '') yield line
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new Error(errorMessage(error), { cause: error })
    throw new Error(
      `there is no ${path}: say with --file which file the exporter of your pipeline writes, in examples/aiops.yaml that is file/incidents`,
      { cause: error },
    )
  } finally {
    stream.destroy()
  }
}

function takeLine(line: string, take: (record: Recorded) => void): boolean {
  let logs: Logs
  try {
    logs = readOtlp('logs', Buffer.from(line), 'json', noOrigin)
  } catch {
    return false
  }
  for (const record of logs) take(record)
  return true
}
