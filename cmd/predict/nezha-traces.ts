/** Spans and logs of one minute of Nezha, as columns by index. Names are only looked up, never read. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { LogTemplate } from '../../models/log-template.ts'
import { LogTemplates } from '../../models/log-templates.ts'
import type { LogLines } from '../../models/root-cause/log-patterns.ts'
import type { Spans } from '../../models/root-cause/trace-spans.ts'
import { columnOf, parseCsv } from './read-csv.ts'

/** Numbers names in the order in which they come. */
class Names {
  private readonly indexes = new Map<string, number>()
  readonly all: string[] = []

  of(name: string): number {
    const known = this.indexes.get(name)
    if (known !== undefined) return known
    this.indexes.set(name, this.all.length)
    return this.all.push(name) - 1
  }
}

export interface Minute {
  readonly spans: Spans
  /** The templates are known only when all minutes were read: ask then. */
  readonly logs: () => LogLines
}

/** Shared by the minutes of a case, so that an index means the same in all of them. */
export class NezhaReader {
  /** Services; a pod whose name does not tell its service stands for itself. */
  readonly nodes = new Names()
  private readonly operations = new Names()
  private readonly templates = new LogTemplates()
  private readonly places = new Names()

  /** `prefix` is the path up to `trace.csv.gz` and `log.csv.gz`; undefined where there are no spans. */
  async minute(prefix: string): Promise<Minute | undefined> {
    const file = `${prefix}trace.csv.gz`
    if (!existsSync(file)) return undefined
    const csv = parseCsv(await unpacked(file), file)
    const ids = columnOf(csv, 'SpanID', file)
    const rows = new Map<string, number>()
    for (const [i, id] of ids.entries()) rows.set(id, i)
    const traces = new Names()
    const spans: Spans = {
      trace: Int32Array.from(columnOf(csv, 'TraceID', file), (id) => traces.of(id)),
      parent: Int32Array.from(columnOf(csv, 'ParentID', file), (id) => rows.get(id) ?? -1),
      node: Int32Array.from(columnOf(csv, 'PodName', file), (name) => this.nodes.of(this.entityOf(name))),
      operation: Int32Array.from(columnOf(csv, 'OperationName', file), (name) => this.operations.of(name)),
      start: Float64Array.from(columnOf(csv, 'StartTimeUnixNano', file), seconds),
      end: Float64Array.from(columnOf(csv, 'EndTimeUnixNano', file), seconds),
    }
    const logs = await this.lines(`${prefix}log.csv.gz`, rows)
    return { spans, logs }
  }

  private async lines(file: string, rows: ReadonlyMap<string, number>): Promise<() => LogLines> {
    if (!existsSync(file))
      return () => ({
        span: new Int32Array(),
        node: new Int32Array(),
        template: new Int32Array(),
        time: new Float64Array(),
      })
    const csv = parseCsv(await unpacked(file), file)
    const times = columnOf(csv, 'TimeUnixNano', file)
    const pods = columnOf(csv, 'PodName', file)
    const span = Int32Array.from(columnOf(csv, 'SpanID', file), (id) => rows.get(id) ?? -1)
    const lines = columnOf(csv, 'Log', file).map((text) => this.templateOf(text))
    return () => ({
      span,
      node: Int32Array.from(pods, (name) => this.nodes.of(this.entityOf(name))),
      template: Int32Array.from(lines, ({ place, template }) => {
        let last = template
        while (last.into !== undefined) last = last.into
        return this.places.of(place === '' ? last.id : place)
      }),
      time: Float64Array.from(times, seconds),
    })
  }

  /** Where the line says in which line of which class it was written, that is its template; else what the words say. */
  private templateOf(text: string): { readonly place: string; readonly template: LogTemplate } {
    const body = bodyOf(text)
    const place = codePlace.exec(body)
    return { place: place === null ? '' : place[0], template: this.templates.add(body) }
  }

  /** A Deployment's pods end in the hash of their template and five characters of their own. */
  entityOf(pod: string): string {
    return podName.exec(pod)?.[1] ?? pod
  }
}

const podName = /^(.+)-[a-z0-9]{6,10}-[a-z0-9]{5}$/

/** `logger#line` as logback prints it. */
const codePlace = /[\w$]+(?:\.[\w$]+)+#\d+/

/** A line of a container's log, and what stands in its JSON where it is JSON again. */
function bodyOf(text: string): string {
  try {
    const { log } = JSON.parse(text) as { log?: unknown }
    if (typeof log !== 'string') return text
    if (!log.startsWith('{')) return log.trimEnd()
    const { message } = JSON.parse(log) as { message?: unknown }
    return typeof message === 'string' ? message : log.trimEnd()
  } catch {
    return text
  }
}

/** Nanoseconds as digits; s. Split first, as they are more digits than a number has. */
function seconds(nanos: string): number {
  return Number(nanos.slice(0, -9)) + Number(nanos.slice(-9)) / 1e9
}

const unpack = promisify(gunzip)

export async function unpacked(file: string): Promise<string> {
  return (await unpack(await readFile(file))).toString('utf8')
}
