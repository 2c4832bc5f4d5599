/** A small XML document model: what the xpath library needs to walk it, and what the XML functions need to change and write it. */
import { fail } from './problems.ts'

export const elementType = 1
export const attributeType = 2
export const textType = 3
export const cdataType = 4
const instructionType = 7
export const commentType = 8
export const documentType = 9

const maxDepth = 1_000
/** Some operations on a document cost the square of its width. */
const maxNodes = 20_000

/** As the xpath library wants it. */
class AttributeList extends Array<XmlNode> {
  item(index: number): XmlNode | null {
    return this[index] ?? null
  }
}

export class XmlNode {
  nodeType: number
  nodeName: string
  nodeValue: string | null
  parentNode: XmlNode | null = null
  readonly childNodes: XmlNode[] = []
  nextSibling: XmlNode | null = null
  previousSibling: XmlNode | null = null
  /** Attributes; empty for anything but elements. */
  attributes = new AttributeList()
  /** Of an attribute. */
  ownerElement: XmlNode | null = null
  readonly namespaceURI = null
  ownerDocument: XmlNode | null = null

  constructor(type: number, name: string, value: string | null) {
    this.nodeType = type
    this.nodeName = name
    this.nodeValue = value
  }

  get localName(): string {
    return this.nodeName
  }
  get data(): string {
    return this.nodeValue ?? ''
  }
  get value(): string {
    return this.nodeValue ?? ''
  }
  get name(): string {
    return this.nodeName
  }
  get target(): string {
    return this.nodeName
  }
  get firstChild(): XmlNode | null {
    return this.childNodes[0] ?? null
  }
  get lastChild(): XmlNode | null {
    return this.childNodes.at(-1) ?? null
  }
  get documentElement(): XmlNode | null {
    return this.childNodes.find(({ nodeType }) => nodeType === elementType) ?? null
  }

  append(child: XmlNode): void {
    child.parentNode = this
    child.previousSibling = this.lastChild
    if (child.previousSibling !== null) child.previousSibling.nextSibling = child
    this.childNodes.push(child)
  }

  remove(): void {
    const list = this.ownerElement?.attributes ?? this.parentNode?.childNodes
    const at = list?.indexOf(this) ?? -1
    if (at < 0) return
    list!.splice(at, 1)
    if (this.previousSibling !== null) this.previousSibling.nextSibling = this.nextSibling
    if (this.nextSibling !== null) this.nextSibling.previousSibling = this.previousSibling
  }

  clone(): XmlNode {
    const copy = new XmlNode(this.nodeType, this.nodeName, this.nodeValue)
    for (const { nodeName, nodeValue } of this.attributes) setAttribute(copy, nodeName, nodeValue ?? '')
    for (const child of this.childNodes) copy.append(child.clone())
    return copy
  }
}

function setAttribute(element: XmlNode, name: string, value: string): void {
  const attribute = new XmlNode(attributeType, name, value)
  attribute.ownerElement = element
  element.attributes.push(attribute)
}

const namePattern = /[^\s<>/=&"'!?[\]()]+/y
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** Strict about nesting and quotes; fragments with several roots are documents too. */
export function parseXml(text: string): XmlNode {
  const document = new XmlNode(documentType, '#document', null)
  let open = document
  let depth = 0
  let nodes = 0
  const wrong = (why: string): never => fail(`XML syntax error: ${why}`)
  const add = (node: XmlNode): void => {
    if (++nodes > maxNodes) wrong(`more than ${maxNodes} nodes`)
    node.ownerDocument = document
    open.append(node)
  }
  let at = 0
  const until = (end: string, from: number): number => {
    const found = text.indexOf(end, from)
    return found < 0 ? wrong(`unexpected EOF: no ${end}`) : found
  }
  while (at < text.length) {
    const tag = text.indexOf('<', at)
    if (tag !== at) {
      const end = tag < 0 ? text.length : tag
      const content = decode(text.slice(at, end), wrong)
      if (content.trim() !== '' || depth > 0) add(new XmlNode(textType, '#text', content))
      at = end
    } else if (text.startsWith('<!--', at)) {
      const end = until('-->', at + 4)
      add(new XmlNode(commentType, '#comment', text.slice(at + 4, end)))
      at = end + 3
    } else if (text.startsWith('<![CDATA[', at)) {
      const end = until(']]>', at + 9)
      add(new XmlNode(cdataType, '#cdata-section', text.slice(at + 9, end)))
      at = end + 3
    } else if (text.startsWith('<?', at)) {
      const end = until('?>', at + 2)
      const [name = '', ...rest] = text.slice(at + 2, end).split(/\s+/)
      add(new XmlNode(instructionType, name, rest.join(' ')))
      at = end + 2
    } else if (text.startsWith('<!', at)) at = until('>', at) + 1
    else if (text.startsWith('</', at)) {
      const end = until('>', at)
      const name = text.slice(at + 2, end).trim()
      if (open === document || name !== open.nodeName) {
        wrong(
          open === document ? `unexpected end element </${name}>` : `element <${open.nodeName}> closed by </${name}>`,
        )
      }
      open = open.parentNode!
      depth--
      at = end + 1
    } else {
      namePattern.lastIndex = at + 1
      const name = namePattern.exec(text)?.[0] ?? wrong('expected element name after <')
      const element = new XmlNode(elementType, name, null)
      add(element)
      at = readAttributes(text, at + 1 + name.length, element, wrong)
      if (text[at - 2] !== '/') {
        if (++depth > maxDepth) wrong(`nested deeper than ${maxDepth}`)
        open = element
      }
    }
  }
  if (open !== document) wrong(`unexpected EOF: <${open.nodeName}> is not closed`)
  return document
}

/** Answers where the tag has ended. */
function readAttributes(text: string, start: number, element: XmlNode, wrong: (why: string) => never): number {
  const pattern = /\s*(?:(\/?>)|([^\s<>/=&"']+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)'))/y
  for (let at = start; ; at = pattern.lastIndex) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) wrong(`malformed attributes of <${element.nodeName}>`)
    const [, end, name, double, single] = match!
    if (end !== undefined) return pattern.lastIndex
    if (element.attributes.some(({ nodeName }) => nodeName === name)) wrong(`duplicate attribute ${name!}`)
    setAttribute(element, name!, decode(double ?? single!, wrong))
  }
}

function decode(text: string, wrong: (why: string) => never): string {
  if (!text.includes('&')) return text
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+))?;?/g,
    (all, decimal, hex, name: string | undefined) => {
      if (!all.endsWith(';')) return wrong(`invalid character entity ${all}`)
      if (name !== undefined) return entities[name] ?? wrong(`invalid character entity ${all}`)
      const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal)
      return Number.isNaN(code) || code > 0x10_ffff
        ? wrong(`invalid character entity ${all}`)
        : String.fromCodePoint(code)
    },
  )
}

/** Elements are written in full, `<a></a>`, as upstream writes them. */
export function writeXml(node: XmlNode): string {
  switch (node.nodeType) {
    case documentType:
      return node.childNodes.map(writeXml).join('')
    case elementType: {
      const attributes = node.attributes.map((a) => ` ${a.nodeName}="${escapeText(a.nodeValue ?? '')}"`).join('')
      return `<${node.nodeName}${attributes}>${node.childNodes.map(writeXml).join('')}</${node.nodeName}>`
    }
    case cdataType:
      return `<![CDATA[${node.data}]]>`
    case commentType:
      return `<!--${node.data}-->`
    case instructionType:
      return `<?${node.nodeName}${node.data === '' ? '' : ` ${node.data}`}?>`
    default:
      return escapeText(node.data)
  }
}

function escapeText(text: string): string {
  return text.replaceAll(
    /[&<>"'\t\n\r]/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' })[c] ?? c,
  )
}
