/** The catalogue's files: what they say now, and of one that is broken just now what it said before. */
import { describeProblem } from '../../pipeline/config/config.ts'
import { parseYamlDocuments } from '../../pipeline/config/parse-yaml.ts'
import { isNull, type Node } from '../../pipeline/config/tree.ts'
import { type ReadFile, WatchedFiles } from '../../pipeline/config/watched-files.ts'
import { readBackstage } from './backstage.ts'
import type { AttributeNames } from './config.ts'
import { ownKeys, place, readOwnFormat } from './own-format.ts'
import type { CatalogRecord, Said, Team } from './record.ts'

interface OfFile {
  readonly own: Said
  readonly backstage: Said
}

export class CatalogFiles {
  private readonly files: WatchedFiles
  private readonly names: AttributeNames
  private readonly maxEntries: number
  private known = new Map<string, OfFile>()

  constructor(paths: readonly string[], names: AttributeNames, maxEntries: number) {
    this.files = new WatchedFiles(paths)
    this.names = names
    this.maxEntries = maxEntries
  }

  hasChanged(): Promise<boolean> {
    return this.files.hasChanged()
  }

  /** Our own format before Backstage, and there in the order of the files. */
  async read(): Promise<Said> {
    const { files, problems: unreadable } = await this.files.read()
    const problems = [...unreadable]
    const now = new Map<string, OfFile>()
    for (const file of files) {
      const parsed = parseYamlDocuments(file.text, file.path)
      const broken = parsed.flatMap((one) => ('problems' in one ? one.problems.map(describeProblem) : []))
      const before = this.known.get(file.path)
      if (broken.length > 0 && before !== undefined) {
        // Half a file is seen while it is being written.
        problems.push(...broken.map((one) => `${one} (what ${file.path} said before stays)`))
        now.set(file.path, before)
        continue
      }
      problems.push(...broken)
      now.set(
        file.path,
        this.readFile(
          file,
          parsed.flatMap((one) => ('node' in one ? [one.node] : [])),
        ),
      )
    }
    this.known = now
    const all = [...now.values()]
    const parts = [...all.map(({ own }) => own), ...all.map(({ backstage }) => backstage)]
    const records = parts.flatMap((part) => part.records)
    const teams = parts.flatMap((part) => part.teams)
    problems.push(...parts.flatMap((part) => part.problems))
    if (records.length > this.maxEntries)
      problems.push(`${records.length - this.maxEntries} entries are left out: max_entries is ${this.maxEntries}`)
    return { records: records.slice(0, this.maxEntries), teams: teams.slice(0, this.maxEntries), problems }
  }

  private readFile({ path }: ReadFile, documents: readonly Node[]): OfFile {
    const own = collected()
    const backstage = collected()
    for (const node of documents) {
      if (isNull(node)) continue
      if (node.kind !== 'map')
        own.problems.push(`${place(node.position)}: write a map: services, entities, teams, or an entity of Backstage`)
      else if (node.entries.has('apiVersion') || node.entries.has('kind'))
        append(backstage, readBackstage(node, this.names))
      else if (ownKeys.some((key) => node.entries.has(key)) || node.entries.size === 0) append(own, readOwnFormat(node))
      else
        own.problems.push(
          `${place(node.position)}: nothing in it is known; write services, entities or teams (${path})`,
        )
    }
    return { own, backstage }
  }
}

interface Collected extends Said {
  readonly records: CatalogRecord[]
  readonly teams: Team[]
  readonly problems: string[]
}

function collected(): Collected {
  return { records: [], teams: [], problems: [] }
}

function append(to: Collected, said: Said): void {
  to.records.push(...said.records)
  to.teams.push(...said.teams)
  to.problems.push(...said.problems)
}
