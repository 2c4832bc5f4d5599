/** Converters of XML documents. */
import { createRequire } from 'node:module'
import { errorMessage } from '../../error-message.ts'
import { fail } from '../problems.ts'
import { define, type OttlValue } from '../values.ts'
import {
  attributeType,
  cdataType,
  commentType,
  documentType,
  elementType,
  parseXml,
  textType,
  writeXml,
  XmlNode,
} from '../xml.ts'
import { literalText, text } from './params.ts'
import { converter, optional, type Param } from './signature.ts'

/** Required rather than imported: its types would bring the browser's globals into the whole project. */
const xpath = createRequire(import.meta.url)('xpath') as {
  parse(source: string): { select(options: { node: XmlNode }): XmlNode[] }
}

type Select = (document: XmlNode) => XmlNode[]

/** Read once; a wrong one is a problem of the statement. */
const xpathParam: Param<Select> = {
  wants: 'an XPath in a string literal',
  build(value, scope) {
    const source = literalText.build(value, scope)
    return selector(source)
  },
}

function selector(source: string): Select {
  let parsed: ReturnType<typeof xpath.parse>
  try {
    parsed = xpath.parse(source)
  } catch (error) {
    fail(`invalid xpath ${JSON.stringify(source)}: ${errorMessage(error)}`)
  }
  return (document) => {
    try {
      return parsed.select({ node: document })
    } catch (error) {
      fail(`xpath ${JSON.stringify(source)}: ${errorMessage(error)}`)
    }
  }
}

const everything = selector('/')
const everyElement = selector('//*')

/** Whether text stands beside other text or elements: then each text becomes an element. */
function wrapText(parent: XmlNode, name: string): void {
  if (parent.nodeType !== elementType && parent.nodeType !== documentType) return
  let texts = 0
  let elements = 0
  for (const child of parent.childNodes) {
    if (child.nodeType === elementType) {
      wrapText(child, name)
      elements++
    } else if (child.nodeType === textType) texts++
  }
  if (texts === 0 || texts + elements <= 1) return
  for (const child of parent.childNodes) {
    if (child.nodeType !== textType) continue
    const inner = new XmlNode(textType, '#text', child.nodeValue)
    child.nodeType = elementType
    child.nodeName = name
    child.nodeValue = null
    child.append(inner)
  }
}

/** Element content only: attributes and text beside elements are left out. */
function simplified(parent: XmlNode): { [key: string]: OttlValue } {
  const elements = parent.childNodes.filter(({ nodeType }) => nodeType === elementType)
  const times = new Map<string, number>()
  for (const { nodeName } of elements) times.set(nodeName, (times.get(nodeName) ?? 0) + 1)
  const map: { [key: string]: OttlValue } = {}
  for (const element of elements) {
    if (element.childNodes.length === 0) continue
    const leaf = leafText(element)
    const inner = leaf === '' ? simplified(element) : leaf
    const isEmpty = typeof inner === 'object' && Object.keys(inner).length === 0
    if (times.get(element.nodeName)! > 1) {
      const list = Object.hasOwn(map, element.nodeName) ? (map[element.nodeName] as OttlValue[]) : []
      define(map, element.nodeName, list)
      if (!isEmpty) list.push(inner)
    } else if (!isEmpty) define(map, element.nodeName, inner)
  }
  return map
}

function leafText(element: XmlNode): string {
  if (element.childNodes.some(({ nodeType }) => nodeType === elementType)) return ''
  return element.childNodes.find(({ nodeType }) => nodeType === textType || nodeType === cdataType)?.data ?? ''
}

function described(element: XmlNode): OttlValue {
  const localName = (name: string) => name.slice(name.indexOf(':') + 1)
  const result: { [key: string]: OttlValue } = { tag: localName(element.nodeName) }
  if (element.attributes.length > 0) {
    const attributes: { [key: string]: OttlValue } = {}
    for (const { nodeName, value } of element.attributes) define(attributes, localName(nodeName), value)
    result['attributes'] = attributes
  }
  const content = element.childNodes
    .filter(({ nodeType }) => nodeType === textType || nodeType === cdataType)
    .map(({ data }) => data.trim())
    .join('')
  if (content !== '') result['content'] = content
  const children = element.childNodes.filter(({ nodeType }) => nodeType === elementType)
  if (children.length > 0) result['children'] = children.map(described)
  return result
}

export const xmlFunctions = [
  converter(
    'GetXML',
    { target: text, xpath: xpathParam },
    ({ target, xpath: select }) =>
      (frame) =>
        select(parseXml(target(frame)))
          .map((node) => (node.nodeType === attributeType || node.nodeType === cdataType ? node.data : writeXml(node)))
          .join(''),
  ),
  converter('RemoveXML', { target: text, xpath: xpathParam }, ({ target, xpath: select }) => (frame) => {
    const document = parseXml(target(frame))
    for (const node of select(document)) {
      const removable = [elementType, attributeType, textType, cdataType, commentType]
      if (removable.includes(node.nodeType)) node.remove()
    }
    return writeXml(document)
  }),
  converter(
    'InsertXML',
    { target: text, xpath: xpathParam, sub_document: text },
    ({ target, xpath: select, sub_document: inserted }) =>
      (frame) => {
        const document = parseXml(target(frame))
        const addition = parseXml(inserted(frame))
        for (const node of select(document)) {
          if (node.nodeType !== elementType && node.nodeType !== documentType) {
            fail(`InsertXML XPath selected non-element: ${JSON.stringify(node.data)}`)
          }
          for (const child of addition.childNodes) node.append(child.clone())
        }
        return writeXml(document)
      },
  ),
  converter(
    'ConvertAttributesToElementsXML',
    { target: text, xpath: optional(xpathParam) },
    ({ target, xpath: select = everyElement }) =>
      (frame) => {
        const document = parseXml(target(frame))
        for (const node of select(document)) {
          for (const { nodeName, value } of node.attributes) {
            const element = new XmlNode(elementType, nodeName, null)
            element.append(new XmlNode(textType, '#text', value))
            node.append(element)
          }
          node.attributes.length = 0
        }
        return writeXml(document)
      },
  ),
  converter(
    'ConvertTextToElementsXML',
    { target: text, xpath: optional(xpathParam), element_name: optional(literalText) },
    ({ target, xpath: select = everything, element_name: name = 'value' }) =>
      (frame) => {
        const document = parseXml(target(frame))
        for (const node of select(document)) wrapText(node, name)
        return writeXml(document)
      },
  ),
  converter(
    'ParseSimplifiedXML',
    { target: text },
    ({ target }) =>
      (frame) =>
        simplified(parseXml(target(frame))),
  ),
  converter('ParseXML', { target: text }, ({ target }) => (frame) => {
    const root = parseXml(target(frame)).documentElement
    return root === null ? fail('unmarshal xml: EOF') : described(root)
  }),
] as const
