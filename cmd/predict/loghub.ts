/** Loghub: lines of logs of several systems. Each runs through a `log_template` of its own, with its defaults, in batches as a receiver would send them. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Held } from '../../pipeline/component.ts'
import { newLogs } from '../../pipeline/data/builders.ts'
import type { Batch, Logs } from '../../pipeline/data/telemetry.ts'
import { build } from '../../pipeline/testing/build.ts'
import logTemplate from '../../processors/log_template/index.ts'
import type { Dataset, EmitLine } from './dataset.ts'
import { columnOf, readCsv } from './read-csv.ts'

const layout = '<System>/<System>_2k.log_structured.csv with the columns LineId and Content'
const batchSize = 500

export const loghub: Dataset = {
  kind: 'loghub',
  layout,
  async predict(dir, emit, progress) {
    const cases = await casesOf(dir)
    for (const [i, { name, file }] of cases.entries()) {
      progress(i, cases.length)
      await predictCase(name, file, emit)
    }
    progress(cases.length, cases.length)
  },
}

/** The systems of a folder, in the order of their names. Throws an `Error` where there is none. */
export async function casesOf(dir: string): Promise<readonly { readonly name: string; readonly file: string }[]> {
  const cases: { name: string; file: string }[] = []
  for (const entry of (await readdir(dir, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory() && !entry.isSymbolicLink()) continue
    const files = (await readdir(join(dir, entry.name))).filter((one) => one.endsWith('_structured.csv')).sort()
    const file = files.find((one) => one.startsWith(entry.name)) ?? files[0]
    if (file !== undefined) cases.push({ name: entry.name, file: join(dir, entry.name, file) })
  }
  if (cases.length === 0)
    throw new Error(`${dir} has no ${layout}: name the folder in which the systems' folders stand`)
  return cases
}

async function predictCase(name: string, file: string, emit: EmitLine): Promise<void> {
  const csv = await readCsv(file)
  const contents = columnOf(csv, 'Content', file)
  const ids = columnOf(csv, 'LineId', file)
  const { instance, handle } = build(logTemplate, '{}')
  await instance.start?.()
  for (let from = 0; from < contents.length; from += batchSize) {
    const builder = newLogs().resource({ 'service.name': name })
    for (const body of contents.slice(from, from + batchSize)) builder.record({ body })
    let at = from
    for (const { attributes } of logsOf(await handle(builder.build()))) {
      const line = Number(ids[at])
      if (!Number.isSafeInteger(line)) throw new Error(`${file}: row ${at + 1} has no number in LineId`)
      const [id, template] = [attributes.get('log.template.id'), attributes.get('log.template')]
      // An empty line has no template: they are one group.
      await emit({ case: name, line, template_id: id ?? '', template: template ?? '' })
      at++
    }
  }
  await instance.shutdown?.(AbortSignal.timeout(1_000))
}

function logsOf(result: Batch | Held | undefined): Logs {
  if (typeof result !== 'object' || result.signal !== 'logs') throw new Error('log_template kept the records')
  return result
}
