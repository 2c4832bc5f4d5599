/** What is wrong with policies, found before anything runs; in upstream's words where it has them. */
import { errorMessage } from '../../../pipeline/error-message.ts'
import { CompileError } from '../../../pipeline/ottl/problems.ts'
import { Regex } from '../../../pipeline/ottl/regex.ts'
import type { PartSettings, PolicySettings, TopPolicySettings } from '../policies-config.ts'
import { compileBoth } from './ottl-condition.ts'

type Path = (string | number)[]
export interface PolicyProblem {
  readonly path: Path
  readonly message: string
}

const plainTypes = [
  'always_sample',
  'latency',
  'numeric_attribute',
  'probabilistic',
  'status_code',
  'string_attribute',
  'rate_limiting',
  'bytes_limiting',
  'span_count',
  'trace_state',
  'boolean_attribute',
  'ottl_condition',
  'trace_flags',
  'incident',
]

export function* checkPolicies(policies: readonly TopPolicySettings[], strategy: string): Iterable<PolicyProblem> {
  const names = new Set<string>()
  for (const [i, policy] of policies.entries()) {
    const path: Path = ['policies', i]
    const { name } = policy
    if (name === '') yield { path: [...path, 'name'], message: 'policy name cannot be empty' }
    else if (names.has(name))
      yield { path: [...path, 'name'], message: `duplicate policy name ${JSON.stringify(name)}` }
    names.add(name)
    for (const problem of checkTop(policy))
      yield {
        path: [...path, ...problem.path],
        message: `failed to create policy evaluator for ${JSON.stringify(name)}: ${problem.message}`,
      }
    if (strategy === 'span-ingest' && isStateful(policy))
      yield {
        path,
        message: `sampling_strategy "span-ingest" requires all policies to be stateless, but policy ${JSON.stringify(name)} is stateful`,
      }
  }
}

function* checkTop(policy: TopPolicySettings): Iterable<PolicyProblem> {
  switch (policy.type) {
    case 'composite':
      for (const [i, part] of (policy.composite?.composite_sub_policy ?? []).entries())
        yield* under(['composite', 'composite_sub_policy', i], checkPart(part, ['and']))
      return
    case 'drop':
      for (const [i, part] of (policy.drop?.drop_sub_policy ?? []).entries())
        yield* under(['drop', 'drop_sub_policy', i], checkPart(part, ['not']))
      return
    default:
      yield* checkPart(policy, ['and', 'not'])
  }
}

function* checkPart(part: PartSettings, combined: readonly string[]): Iterable<PolicyProblem> {
  if (!combined.includes(part.type)) yield* checkPlain(part, combined)
  else if (part.type === 'and')
    for (const [i, inner] of (part.and?.and_sub_policy ?? []).entries())
      yield* under(['and', 'and_sub_policy', i], checkPart(inner, ['not']))
  else if (part.not === undefined)
    yield { path: ['type'], message: 'unknown sampling policy type ; set not.not_sub_policy' }
  else yield* under(['not', 'not_sub_policy'], checkPlain(part.not.not_sub_policy, []))
}

function* checkPlain(policy: PolicySettings, combined: readonly string[]): Iterable<PolicyProblem> {
  const { type } = policy
  if (!plainTypes.includes(type)) {
    const known = [...plainTypes, ...combined].join(', ')
    yield { path: ['type'], message: `unknown sampling policy type ${type}; known here: ${known}` }
    return
  }
  const message = problemOf(policy)
  if (message !== undefined) yield { path: type in policy ? [type] : [], message }
}

function problemOf({ type, ...sections }: PolicySettings): string | undefined {
  switch (type) {
    case 'status_code': {
      const names = sections.status_code?.status_codes ?? []
      const wrong = names.find((name) => !['OK', 'ERROR', 'UNSET'].includes(name))
      if (names.length === 0) return 'expected at least one status code to filter on'
      if (wrong === undefined) return undefined
      return `unknown status code ${JSON.stringify(wrong)}, supported: OK, ERROR, UNSET`
    }
    case 'numeric_attribute': {
      const { min_value = 0, max_value = 0 } = sections.numeric_attribute ?? {}
      if (min_value !== 0 || max_value !== 0) return undefined
      return 'at least one of min_value or max_value must be set, and not to 0'
    }
    case 'string_attribute': {
      if (sections.string_attribute?.enabled_regex_matching !== true) return undefined
      return sections.string_attribute.values.map(regexProblem).find((problem) => problem !== undefined)
    }
    case 'ottl_condition': {
      const settings = sections.ottl_condition
      if (settings === undefined || settings.span.length + settings.spanevent.length === 0)
        return 'expected at least one OTTL condition to filter on'
      return ottlProblem(settings)
    }
    default:
      return undefined
  }
}

function regexProblem(pattern: string): string | undefined {
  try {
    new Regex(pattern)
    return undefined
  } catch (error) {
    return `invalid regex \`${pattern}\`: ${errorMessage(error)}`
  }
}

function ottlProblem(settings: Parameters<typeof compileBoth>[0]): string | undefined {
  try {
    compileBoth(settings)
    return undefined
  } catch (error) {
    if (error instanceof CompileError) return error.message
    throw error
  }
}

/** Whether the same spans may be decided differently later; upstream counts upper bounds among that. */
function isStateful(policy: TopPolicySettings): boolean {
  const any = (parts: readonly PartSettings[] | undefined) => (parts ?? []).some((part) => isStateful(part))
  switch (policy.type) {
    case 'rate_limiting':
    case 'bytes_limiting':
    case 'incident':
      return true
    case 'latency':
      return (policy.latency?.upper_threshold_ms ?? 0) > 0
    case 'span_count':
      return (policy.span_count?.max_spans ?? 0) > 0
    case 'and':
      return any(policy.and?.and_sub_policy)
    case 'drop':
      return any(policy.drop?.drop_sub_policy)
    case 'composite':
      return any(policy.composite?.composite_sub_policy)
    case 'not':
      return policy.not !== undefined && isStateful(policy.not.not_sub_policy)
    default:
      return false
  }
}

function* under(prefix: Path, problems: Iterable<PolicyProblem>): Iterable<PolicyProblem> {
  for (const { path, message } of problems) yield { path: [...prefix, ...path], message }
}
