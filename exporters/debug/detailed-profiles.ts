import type { Tree } from '../../pipeline/data/json/decode-tree.ts'
import { hex, timestamp } from './go-format.ts'
import { Lines } from './lines.ts'
import { typedText, valueText } from './value-text.ts'

export function detailedProfiles(request: Tree): string {
  const lines = new Lines()
  const dictionary = request.tree('dictionary')
  addDictionary(lines, dictionary)
  for (const [i, resource] of request.trees('resourceProfiles').entries()) {
    lines.add(`ResourceProfiles #${i}`)
    lines.resource(resource)
    for (const [j, scope] of resource.trees('scopeProfiles').entries()) {
      lines.add(`ScopeProfiles #${j}`)
      lines.add(`ScopeProfiles SchemaURL: ${scope.text('schemaUrl')}`)
      lines.scope(scope)
      for (const [k, profile] of scope.trees('profiles').entries()) addProfile(lines, k, profile, dictionary)
    }
  }
  return String(lines)
}

function addProfile(lines: Lines, index: number, profile: Tree, dictionary: Tree): void {
  lines.add(`Profile #${index}`)
  lines.labelled('Profile ID', hex(profile.bytes('profileId')))
  lines.labelled('Start time', timestamp(profile.big('timeUnixNano')))
  lines.labelled('DurationNano', String(profile.big('durationNano')))
  lines.labelled('Dropped attributes count', String(profile.number('droppedAttributesCount')))
  for (const [i, sample] of profile.trees('samples').entries()) {
    lines.add(`    Sample #${i}`)
    lines.add(`        Values: [${sample.bigs('values').join(' ')}]`)
    const attributes = sample.numbers('attributeIndices')
    if (attributes.length > 0) lines.add('        Attributes:')
    for (const place of attributes) lines.add(`             -> ${attributeAt(dictionary, place, ': ', typedText)}`)
  }
}

/** An attribute of the dictionary, or what upstream prints where it is missing. */
export function attributeAt(
  dictionary: Tree,
  place: number,
  separator: string,
  textOf: (value: Tree) => string,
): string {
  const attribute = dictionary.trees('attributeTable')[place]
  if (attribute === undefined) return `[Missing Dictionary AttributeTable Item #${place}]`
  const keyPlace = attribute.number('keyStrindex')
  const key = dictionary.texts('stringTable')[keyPlace] ?? `[Missing Dictionary Key String Item #${keyPlace}]`
  return `${key}${separator}${textOf(attribute.tree('value'))}`
}

function addDictionary(lines: Lines, dictionary: Tree): void {
  for (const [i, mapping] of dictionary.trees('mappingTable').entries()) {
    lines.add(`Mapping #${i}`)
    lines.add(`    Memory start: ${mapping.big('memoryStart')}`)
    lines.add(`    Memory limit: ${mapping.big('memoryLimit')}`)
    lines.add(`    File offset: ${mapping.big('fileOffset')}`)
    lines.add(`    File name: ${mapping.number('filenameStrindex')}`)
    lines.add(`    Attributes: [${mapping.numbers('attributeIndices').join(' ')}]`)
  }
  for (const [i, location] of dictionary.trees('locationTable').entries()) {
    lines.add(`Location #${i}`)
    lines.add(`    Mapping index: ${location.number('mappingIndex')}`)
    lines.add(`    Address: ${location.big('address')}`)
    for (const [j, line] of location.trees('lines').entries()) {
      lines.add(`    Line #${j}`)
      lines.add(`        Function index: ${line.number('functionIndex')}`)
      lines.add(`        Line: ${line.big('line')}`)
      lines.add(`        Column: ${line.big('column')}`)
    }
    lines.add(`    Attributes: [${location.numbers('attributeIndices').join(' ')}]`)
  }
  for (const [i, called] of dictionary.trees('functionTable').entries()) {
    lines.add(`Function #${i}`)
    lines.add(`    Name: ${called.number('nameStrindex')}`)
    lines.add(`    System name: ${called.number('systemNameStrindex')}`)
    lines.add(`    Filename: ${called.number('filenameStrindex')}`)
    lines.add(`    Start line: ${called.big('startLine')}`)
  }
  // Upstream folds these tables into one map each, so that the last entry is the one to see.
  const attribute = dictionary.trees('attributeTable').at(-1)
  if (attribute) {
    lines.add('Attribute table:')
    lines.add(`     -> Key: Int(${attribute.number('keyStrindex')})`)
    lines.add(`     -> Value: Str(${valueText(attribute.tree('value'))})`)
    lines.add(`     -> unit: Int(${attribute.number('unitStrindex')})`)
  }
  const link = dictionary.trees('linkTable').at(-1)
  if (link) {
    lines.add('Link table:')
    lines.add(`     -> Trace ID: Str(${hex(link.bytes('traceId'))})`)
    lines.add(`     -> Span ID: Str(${hex(link.bytes('spanId'))})`)
  }
  const strings = dictionary.texts('stringTable')
  if (strings.length > 0) lines.add('String table:')
  for (const text of strings) lines.add(`    ${text}`)
}
