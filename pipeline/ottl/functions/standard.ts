/** The functions that every context has. */
import type { ContextName } from '../contexts/contexts.ts'
import { collectionFunctions } from './collections.ts'
import { editors } from './editors.ts'
import { encodingFunctions } from './encodings.ts'
import { grokFunctions } from './grok.ts'
import { hashFunctions } from './hashes.ts'
import { idFunctions, isRootSpan } from './ids.ts'
import { networkFunctions } from './network.ts'
import { parserFunctions } from './parsers.ts'
import { replacers } from './replace.ts'
import type { FunctionSpec } from './signature.ts'
import { stringFunctions } from './strings.ts'
import { timeFunctions } from './times.ts'
import { typeFunctions } from './types.ts'
import { userAgentFunctions } from './user-agent.ts'
import { xmlFunctions } from './xml.ts'

const all: readonly FunctionSpec[] = [
  ...editors,
  ...replacers,
  ...typeFunctions,
  ...stringFunctions,
  ...collectionFunctions,
  ...parserFunctions,
  ...encodingFunctions,
  ...hashFunctions,
  ...idFunctions,
  ...networkFunctions,
  ...timeFunctions,
  ...grokFunctions,
  ...userAgentFunctions,
  ...xmlFunctions,
]

const byName: ReadonlyMap<string, FunctionSpec> = new Map(all.map((spec) => [spec.name, spec]))
const ofSpans: ReadonlyMap<string, FunctionSpec> = new Map([...byName, [isRootSpan.name, isRootSpan]])

export function standardFunctions(context: ContextName): ReadonlyMap<string, FunctionSpec> {
  return context === 'span' ? ofSpans : byName
}
