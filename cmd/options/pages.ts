/** Every page with a table of options that a schema gives. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { schemaOf } from '../../pipeline/config/component-config.ts'
import type { CatalogEntry } from '../../pipeline/config/config.ts'
import { type FieldSchema, fieldSchema } from '../../pipeline/config/field-schema.ts'
import { sendingKeys } from '../../pipeline/export/sending.ts'
import { clientTlsKeys, serverTlsKeys } from '../../pipeline/net/tls.ts'
import { components } from '../catalog.ts'
import { optionsTable, type SharedSection } from './table.ts'

export interface Page {
  /** From the root of the repository. */
  readonly path: string
  readonly before: string
  readonly after: string
}

const root = join(import.meta.dirname, '../..')
const sending = { key: 'sending_queue', page: '../../pipeline/export/README.md', title: 'what every exporter shares' }
const shared: readonly SharedSection[] = [
  sending,
  { ...sending, key: 'retry_on_failure' },
  { key: 'tls', page: '../../pipeline/net/README.md', title: 'TLS' },
]

export async function optionsPages(): Promise<readonly Page[]> {
  const ofComponents = await Promise.all(components.map(componentPage))
  return [
    ...ofComponents,
    await page('pipeline/export/README.md', [
      ['options', fieldSchema(sendingKeys({ queue: true, retry: true, timeoutMs: 5_000 }))],
    ]),
    await page('pipeline/net/README.md', [
      ['options of a server', fieldSchema(serverTlsKeys)],
      ['options of a client', fieldSchema(clientTlsKeys)],
    ]),
  ]
}

async function componentPage(entry: CatalogEntry): Promise<Page> {
  const factory = await entry.load()
  return page(`${factory.kind}s/${factory.type}/README.md`, [['options', schemaOf(factory).all]], shared)
}

async function page(
  path: string,
  tables: readonly (readonly [string, FieldSchema])[],
  sections: readonly SharedSection[] = [],
): Promise<Page> {
  const before = await readFile(join(root, path), 'utf8')
  let after = before
  for (const [mark, schema] of tables) {
    const [start, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`]
    const [from, to] = [after.indexOf(start), after.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`${path} has no place for its options: ${start} and ${end}`)
    after = `${after.slice(0, from)}${start}\n${optionsTable(schema, sections)}\n${after.slice(to)}`
  }
  return { path, before, after }
}
