/** Every page with a part that the code gives: tables of options, the list of components, and the schemas of events. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { schemaOf } from '../../pipeline/config/component-config.ts'
import type { CatalogEntry } from '../../pipeline/config/config.ts'
import { fieldSchema } from '../../pipeline/config/field-schema.ts'
import { sendingKeys } from '../../pipeline/export/sending.ts'
import { clientTlsKeys, serverTlsKeys } from '../../pipeline/net/tls.ts'
import { components } from '../catalog.ts'
import { schemaFiles } from './schemas.ts'
import { markdownTable, optionsTable, type SharedSection } from './table.ts'

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
    await page('README.md', [['components', componentList()]]),
    await page('pipeline/export/README.md', [
      ['options', optionsTable(fieldSchema(sendingKeys({ queue: true, retry: true, timeoutMs: 5_000 })))],
    ]),
    await page('pipeline/net/README.md', [
      ['options of a server', optionsTable(fieldSchema(serverTlsKeys))],
      ['options of a client', optionsTable(fieldSchema(clientTlsKeys))],
    ]),
    ...(await Promise.all(schemaFiles().map(wholePage))),
  ]
}

async function componentPage(entry: CatalogEntry): Promise<Page> {
  const factory = await entry.load()
  return page(`${factory.kind}s/${factory.type}/README.md`, [['options', optionsTable(schemaOf(factory).all, shared)]])
}

/** A row for each kind, a link for each type, with its older spellings. */
function componentList(): string {
  const byKind = Map.groupBy(components, ({ kind }) => `${kind}s`)
  const rows = [...byKind].map(([kind, entries]) => {
    const links = entries
      .toSorted((a, b) => (a.type < b.type ? -1 : 1))
      .map(({ type, aliases }) => {
        const others = aliases.map((alias) => `\`${alias}\``).join(', ')
        return `[\`${type}\`](${kind}/${type}/README.md)${others === '' ? '' : ` (${others})`}`
      })
    return [kind, links.join(', ')]
  })
  return markdownTable([['', 'types, with older spellings'], ...rows])
}

/** A file that is all of the code's; it may not be there yet. */
async function wholePage([path, after]: readonly [path: string, content: string]): Promise<Page> {
  const before = await readFile(join(root, path), 'utf8').catch(() => '')
  return { path, before, after }
}

async function page(path: string, parts: readonly (readonly [mark: string, content: string])[]): Promise<Page> {
  const before = await readFile(join(root, path), 'utf8')
  let after = before
  for (const [mark, content] of parts) {
    const [start, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`]
    const [from, to] = [after.indexOf(start), after.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`${path} has no place for its ${mark}: ${start} and ${end}`)
    after = `${after.slice(0, from)}${start}\n${content}\n${after.slice(to)}`
  }
  return { path, before, after }
}
