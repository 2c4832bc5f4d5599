/** What the detailed texts of all signals share. */
import type { Tree } from '../../pipeline/data/json/decode-tree.ts'
import { typedText } from './value-text.ts'

export class Lines {
  private readonly lines: string[] = []

  add(line: string): void {
    this.lines.push(line)
  }

  /** `    Name           : value` */
  labelled(label: string, value: string): void {
    this.add(`    ${label.padEnd(15)}: ${value}`)
  }

  /** Entries stand below their header, and deeper where the header itself stands in a list. */
  attributes(header: string, entries: readonly Tree[]): void {
    if (entries.length === 0) return
    this.add(`${header}:`)
    const indent = header.includes('->') ? header.slice(0, header.indexOf('->')) : ''
    for (const entry of entries) this.add(`${indent}     -> ${entry.text('key')}: ${typedText(entry.tree('value'))}`)
  }

  /** Schema URL, attributes and entities of a resource. */
  resource(holder: Tree): void {
    const resource = holder.tree('resource')
    this.add(`Resource SchemaURL: ${holder.text('schemaUrl')}`)
    this.attributes('Resource attributes', resource.trees('attributes'))
    const entities = resource.trees('entityRefs')
    if (entities.length > 0) this.add('Resource entity refs:')
    for (const [index, entity] of entities.entries()) this.entity(index, entity)
  }

  private entity(index: number, entity: Tree): void {
    this.add(`     -> Entity ref #${index}:`)
    this.add(`          -> Type: ${entity.text('type')}`)
    if (entity.text('schemaUrl') !== '') this.add(`          -> Schema URL: ${entity.text('schemaUrl')}`)
    for (const [label, name] of [
      ['ID', 'idKeys'],
      ['Description', 'descriptionKeys'],
    ] as const) {
      if (entity.texts(name).length > 0) this.add(`          -> ${label} keys:`)
      for (const key of entity.texts(name)) this.add(`               -> ${key}`)
    }
  }

  scope(holder: Tree): void {
    const scope = holder.tree('scope')
    this.add(`InstrumentationScope ${scope.text('name')} ${scope.text('version')}`)
    this.attributes('InstrumentationScope attributes', scope.trees('attributes'))
  }

  toString(): string {
    return this.lines.map((line) => `${line}\n`).join('')
  }
}
