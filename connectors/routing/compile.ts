/** One line of the table, compiled: which data it takes, and what it does to it. */
import {
  type CompiledCondition,
  type CompiledStatement,
  type CompileOptions,
  compileConditions,
  compileStatements,
  type Group,
} from '../../pipeline/ottl/compile.ts'
import type { ContextName } from '../../pipeline/ottl/contexts/contexts.ts'
import { editor } from '../../pipeline/ottl/functions/signature.ts'
import { tokens } from '../../pipeline/ottl/lexer.ts'
import { parseStatement } from '../../pipeline/ottl/parser.ts'
import { CompileError } from '../../pipeline/ottl/problems.ts'
import type { TableItem } from './config.ts'

export type Level = 'batch' | 'resource' | 'span' | 'metric' | 'datapoint' | 'log'

export interface Rule {
  readonly level: Level
  /** As upstream writes it; routes with one text and one context are the same. */
  readonly text: string
  /** undefined = everything. */
  readonly condition: CompiledCondition | undefined
  /** Of a statement that does more than to route. */
  readonly edit: Group<CompiledStatement> | undefined
}

/** Those that upstream routes by; span events and scopes are not among them. */
const contexts: readonly ContextName[] = ['resource', 'span', 'metric', 'datapoint', 'log']
const options: CompileOptions = { contexts, functions: [editor('route', {}, () => () => {})] }
/** A router edits only to remove what it was routed by. */
const editors = ['route', 'delete_key', 'delete_matching_keys']

/** Throws a CompileError. */
export function compileRule(item: Pick<TableItem, 'context' | 'condition' | 'statement'>): Rule {
  const { context } = item
  const isOfClient = context === 'otelcol'
  const condition = isOfClient ? qualified(item.condition) : item.condition
  const statement = isOfClient ? qualified(item.statement) : item.statement
  const explicit = context === '' || context === 'request' ? undefined : isOfClient ? 'resource' : context
  const inContext = explicit ?? contextOf((name) => compileText(condition, statement, name))
  const group = compileText(condition, statement, inContext)
  const where = statement === '' ? condition : conditionOf(statement)
  const tested = where === undefined ? undefined : compileConditions([where], inContext, options)
  const isEdit = group.writes.size > 0
  return {
    level: isOfClient || (inContext === 'resource' && isAboutClient(group, isEdit)) ? 'batch' : levelOf(inContext),
    text: item.statement === '' ? `route() where ${item.condition}` : item.statement,
    condition: tested?.items[0],
    edit: isEdit ? (group as Group<CompiledStatement>) : undefined,
  }
}

/** In the context of the client, paths may lack their `otelcol`. */
function qualified(text: string): string {
  const list = tokens(text)
  let result = ''
  let from = 0
  for (const [i, { text: word, at }] of list.entries()) {
    if ((word !== 'client' && word !== 'grpc') || list[i + 1]?.text !== '.' || list[i - 1]?.text === '.') continue
    result += `${text.slice(from, at)}otelcol.`
    from = at
  }
  return result + text.slice(from)
}

function compileText(
  condition: string,
  statement: string,
  context: ContextName | 'infer',
): Group<CompiledCondition> | Group<CompiledStatement> {
  if (statement === '') return compileConditions([condition], context, options)
  const group = compileStatements([statement], context, options)
  const { name } = parseStatement(statement).editor
  if (editors.includes(name)) return group
  const message = `a route cannot use ${name}; use ${editors.join(', ')}`
  throw new CompileError([{ statement: 0, text: statement, line: 1, column: 1, message }])
}

/** Told by the paths; where they tell nothing, that of the resource, as it was before paths had contexts. */
function contextOf(compile: (context: ContextName | 'infer') => { readonly context: ContextName }): ContextName {
  try {
    return compile('infer').context
  } catch (error) {
    if (!(error instanceof CompileError)) throw error
    try {
      return compile('resource').context
    } catch {
      throw error
    }
  }
}

/** Asked once for the whole batch, which has one sender. */
function isAboutClient({ reads }: { readonly reads: ReadonlySet<string> }, isEdit: boolean): boolean {
  return !isEdit && reads.size > 0 && [...reads].every((path) => path.startsWith('otelcol.'))
}

function levelOf(context: ContextName): Level {
  return context === 'scope' || context === 'spanevent' || context === 'exemplar' ? 'resource' : context
}

/** The text behind `where`. */
function conditionOf(statement: string): string | undefined {
  const { editor: call, where } = parseStatement(statement)
  return where === undefined ? undefined : statement.slice(call.end).replace(/^\s*where\s/, '')
}

/** Client metadata that a rule reads; 'all' where the name is no literal. */
export function metadataRead({ condition, edit }: Rule): readonly string[] | 'all' {
  const names: string[] = []
  for (const path of [...(condition?.reads ?? []), ...(edit?.reads ?? [])]) {
    if (!/^otelcol\.(client|grpc)\.metadata/.test(path)) continue
    const name = /^otelcol\.\w+\.metadata\["((?:[^"\\]|\\.)*)"\]/.exec(path)?.[1]
    if (name === undefined) return 'all'
    names.push(name)
  }
  return names
}
