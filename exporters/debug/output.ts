/** Where the text goes without the internal logger: standard output, standard error and files. */
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { Rejected } from '../../pipeline/component.ts'

export interface Output {
  /** Resolves when every path has taken the text, so that a slow one holds the sender back. */
  write(text: string): Promise<void>
  close(): Promise<void>
}

export async function openOutput(paths: readonly string[]): Promise<Output> {
  const sinks: Sink[] = []
  try {
    for (const path of paths) sinks.push(await openSink(path))
  } catch (cause) {
    await Promise.all(sinks.map((sink) => sink.close()))
    throw cause
  }
  return {
    async write(text) {
      await Promise.all(sinks.map((sink) => sink.write(text)))
    },
    async close() {
      await Promise.all(sinks.map((sink) => sink.close()))
    },
  }
}

interface Sink {
  write(text: string): Promise<void>
  close(): Promise<void>
}

async function openSink(path: string): Promise<Sink> {
  if (path === 'stdout' || path === 'stderr') {
    const stream = process[path]
    // A closed pipe is told to the writer below; unheard it would end the process.
    const ignore = () => {}
    stream.on('error', ignore)
    return {
      write: (text) => writeTo(stream, path, text),
      close: async () => void stream.off('error', ignore),
    }
  }
  const stream = createWriteStream(path.startsWith('file:') ? fileURLToPath(path) : path, { flags: 'a', mode: 0o666 })
  await new Promise<void>((resolve, reject) => stream.once('open', () => resolve()).once('error', reject))
  stream.on('error', () => {})
  return {
    write: (text) => writeTo(stream, path, text),
    async close() {
      stream.end()
      await finished(stream).catch(() => {})
    },
  }
}

function writeTo(stream: NodeJS.WritableStream, path: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (cause) => {
      if (cause) reject(new Rejected(`debug: writing to ${path}: ${cause.message}`, { retryable: true, cause }))
      else resolve()
    })
  })
}
