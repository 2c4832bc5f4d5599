/** What is wrong with an action, in upstream's words. */
import { errorMessage } from '../error-message.ts'
import { Regex } from '../ottl/regex.ts'
import type { AttributeAction } from './action-keys.ts'

const actions = ['insert', 'update', 'upsert', 'delete', 'hash', 'extract', 'convert'] as const
export type ActionName = (typeof actions)[number]

const convertedTypes = ['int', 'double', 'string'] as const
export type ConvertedType = (typeof convertedTypes)[number]

function isConvertedType(text: string): text is ConvertedType {
  return (convertedTypes as readonly string[]).includes(text)
}

/** The action in lower case. Throws for what upstream refuses. */
export function checkAction(of: AttributeAction, index: number): ActionName {
  const action = of.action.toLowerCase() as ActionName
  const isByName = action === 'delete' || action === 'hash'
  if (of.key === '' && !(isByName && of.pattern !== '')) {
    throw new Error(
      isByName
        ? `error creating AttrProc due to missing required field (at least one of "key" and "pattern" have to be used) at the ${index}-th action`
        : `error creating AttrProc due to missing required field "key" at the ${index}-th action`,
    )
  }
  const problem = problemOf(of, action)
  if (problem === undefined) return action
  const before = problem.isBare ? 'error creating AttrProc ' : 'error creating AttrProc. '
  throw new Error(`error with key "${of.key}" (${index}-th action): ${before}${problem.text}`)
}

interface Problem {
  readonly text: string
  readonly isBare?: true
}

function problemOf(of: AttributeAction, action: ActionName): Problem | undefined {
  const sources = [of.value !== undefined, of.from_attribute !== '', of.from_context !== ''].filter(Boolean).length
  const unused = (fields: string): Problem => ({ text: `Action "${action}" does not use ${fields}` })
  const noConvertedType = () =>
    of.converted_type === '' ? undefined : unused('the "converted_type" field. This must not be specified')
  switch (action) {
    case 'insert':
    case 'update':
    case 'upsert':
      if (sources === 0 && of.default_value === undefined)
        return { text: 'Either field "value", "from_attribute", "from_context", or "default_value" must be specified' }
      if (sources > 1) return { text: 'due to multiple value sources being set; keep one of them', isBare: true }
      if (of.pattern !== '') return unused('the "pattern" field. This must not be specified')
      return noConvertedType()
    case 'delete':
    case 'hash':
      if (of.value !== undefined || of.from_attribute !== '')
        return unused('"value" or "from_attribute" field. These must not be specified')
      return (of.pattern === '' ? undefined : patternProblem(of.pattern)) ?? noConvertedType()
    case 'extract':
      if (sources > 0) return unused('a value source field. These must not be specified')
      if (of.pattern === '')
        return { text: `due to missing required field "pattern" for action "${action}"`, isBare: true }
      return noConvertedType() ?? patternProblem(of.pattern) ?? groupProblem(of.pattern)
    case 'convert':
      if (sources > 0 || of.pattern !== '')
        return unused('value sources or "pattern" field. These must not be specified')
      if (of.converted_type === '')
        return { text: `due to missing required field "converted_type" for action "${action}"`, isBare: true }
      if (isConvertedType(of.converted_type)) return undefined
      return {
        text: `due to invalid value "${of.converted_type}" in field "converted_type" for action "${action}"; use int, double or string`,
        isBare: true,
      }
    default:
      return { text: `due to unsupported action "${String(action)}"; use one of ${actions.join(', ')}`, isBare: true }
  }
}

function patternProblem(pattern: string): Problem | undefined {
  try {
    new Regex(pattern)
    return undefined
  } catch (error) {
    const reason = errorMessage(error)
    return { text: `Field "pattern" has invalid pattern: "${pattern}" (${reason})` }
  }
}

function groupProblem(pattern: string): Problem | undefined {
  const names = new Regex(pattern).groupNames.slice(1)
  if (names.length === 0) return { text: 'Field "pattern" contains no named matcher groups; write (?P<name>...)' }
  if (names.every((name) => name !== undefined && name !== '')) return undefined
  return { text: 'Field "pattern" contains at least one unnamed matcher group; write (?P<name>...) or (?:...)' }
}
