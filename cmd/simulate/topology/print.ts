/** A topology as the YAML of its file: what belongs together in one line. */
import { Document, isMap, isPair, isScalar, isSeq, visit } from 'yaml'
import type { PlainTopology } from './size.ts'

const lineWidth = 140
const inOneLine: ReadonlySet<string> = new Set(['nodes', 'self', 'autoscale', 'consumes', 'tables', 'topics'])

/** `comment` becomes its header. */
export function printTopology(topology: PlainTopology, comment: string): string {
  const document = new Document(topology, { aliasDuplicateObjects: false })
  document.commentBefore = comment
    .split('\n')
    .map((line) => ` ${line}`)
    .join('\n')
  visit(document, {
    Collection(_key, node, path) {
      const pair = path.at(-1)
      const key = isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : ''
      // A step or an operation of users is an item of a list; an operation that calls nobody is small.
      const isItem = isSeq(pair)
      const isLeaf = isMap(node) && node.has('self') && !node.has('steps') && !node.has('text')
      if (isMap(node) && node.has('parallel')) return
      if (isItem || isLeaf || inOneLine.has(key)) node.flow = true
    },
  })
  return document.toString({ lineWidth, flowCollectionPadding: true })
}
