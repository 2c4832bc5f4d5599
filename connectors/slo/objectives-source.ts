/** Where the objectives of a config come from, its files included, and when they change. */
import { describeProblem } from '../../pipeline/config/config.ts'
import { parse } from '../../pipeline/config/issues.ts'
import { parseYamlDocuments } from '../../pipeline/config/parse-yaml.ts'
import { Problems } from '../../pipeline/config/problems.ts'
import { isNull, toPlain } from '../../pipeline/config/tree.ts'
import { WatchedFiles } from '../../pipeline/config/watched-files.ts'
import type { Config } from './config.ts'
import { formOf } from './open-slo.ts'
import { type Document, type Linked, link } from './read-objectives.ts'

export class ObjectivesSource {
  private readonly inline: readonly Document[]
  private readonly files: WatchedFiles | undefined
  private readonly windowSeconds: number

  constructor({ slos, window: windowSeconds }: Config) {
    const inline: Document[] = []
    const paths: string[] = []
    for (const [i, entry] of slos.entries()) {
      const found = formOf(entry)
      // The config was checked before.
      if ('error' in found) continue
      const value = found.schema.parse(entry)
      if (found.form === 'file') paths.push((value as { readonly file: string }).file)
      else if (found.form !== 'ignored') inline.push({ form: found.form, value, where: `slos[${i}]` } as Document)
    }
    this.inline = inline
    this.files = paths.length === 0 ? undefined : new WatchedFiles(paths)
    this.windowSeconds = windowSeconds
  }

  get hasFiles(): boolean {
    return this.files !== undefined
  }

  async hasChanged(): Promise<boolean> {
    return this.files !== undefined && (await this.files.hasChanged())
  }

  async read(): Promise<Linked> {
    const read = await this.files?.read()
    const documents = [...this.inline]
    const problems = [...(read?.problems ?? [])]
    for (const { path, text } of read?.files ?? []) {
      for (const parsed of parseYamlDocuments(text, path)) {
        if ('problems' in parsed) {
          problems.push(...parsed.problems.map(describeProblem))
          continue
        }
        const { node } = parsed
        if (isNull(node)) continue
        const where = `${path}:${node.position.line}:${node.position.column}`
        const found = formOf(toPlain(node))
        if ('error' in found || found.form === 'file') {
          problems.push(`${where}: ${'error' in found ? found.error : 'a file of SLOs must not name others'}`)
          continue
        }
        const checks = new Problems({ isChecked: true })
        const value = parse(found.schema, toPlain(node), { path: [], node, key: node.position }, checks)
        if (value === undefined) problems.push(...problemsOf(checks))
        else if (found.form !== 'ignored') documents.push({ form: found.form, value: value.output, where } as Document)
      }
    }
    const linked = link(documents, this.windowSeconds)
    return { objectives: linked.objectives, problems: [...problems, ...linked.problems] }
  }
}

function problemsOf(problems: Problems): readonly string[] {
  try {
    problems.throwIfAny()
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}
