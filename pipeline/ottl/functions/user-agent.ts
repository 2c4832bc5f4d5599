/** UserAgent, by the expressions of the uap-core project, which are read when the first statement uses them. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parse } from 'yaml'
import type { Getter } from '../keys.ts'
import { Regex } from '../regex.ts'
import type { OttlMap, OttlValue } from '../values.ts'
import { text } from './params.ts'
import { converter } from './signature.ts'

interface Rule {
  readonly regex: string
  readonly regex_flag?: string
  readonly family_replacement?: string
  readonly v1_replacement?: string
  readonly v2_replacement?: string
  readonly v3_replacement?: string
  readonly os_replacement?: string
  readonly os_v1_replacement?: string
  readonly os_v2_replacement?: string
  readonly os_v3_replacement?: string
}
interface Rules {
  readonly user_agent_parsers: readonly Rule[]
  readonly os_parsers: readonly Rule[]
}

const known = 512

class Parser {
  private readonly rules: Rules
  private readonly compiled = new Map<Rule, Regex>()
  private readonly results = new Map<string, OttlMap>()

  constructor(rules: Rules) {
    this.rules = rules
  }

  /** Clients repeat themselves: the last ones are remembered. */
  parse(agent: string): OttlMap {
    let result = this.results.get(agent)
    if (result === undefined) {
      result = this.read(agent)
      if (this.results.size === known) this.results.clear()
      this.results.set(agent, result)
    }
    return result
  }

  private read(agent: string): OttlMap {
    const [name, version] = this.first(agent, this.rules.user_agent_parsers, (rule) => [
      rule.family_replacement,
      rule.v1_replacement,
      rule.v2_replacement,
      rule.v3_replacement,
    ])
    const [os, osVersion] = this.first(agent, this.rules.os_parsers, (rule) => [
      rule.os_replacement,
      rule.os_v1_replacement,
      rule.os_v2_replacement,
      rule.os_v3_replacement,
    ])
    const result: { [key: string]: OttlValue } = {
      'user_agent.name': name,
      'user_agent.version': version,
      'user_agent.original': agent,
    }
    if (os !== '') result['os.name'] = os
    if (osVersion !== '') result['os.version'] = osVersion
    return result
  }

  private first(
    agent: string,
    rules: readonly Rule[],
    partsOf: (rule: Rule) => readonly (string | undefined)[],
  ): [string, string] {
    for (const rule of rules) {
      const match = this.regex(rule).find(agent)
      if (match === undefined) continue
      // A part without a replacement is the group with its number.
      const parts = partsOf(rule).map((replacement, i) => {
        const filled = replacement?.replaceAll(/\$(\d)/g, (_, group: string) => match.groups[Number(group)] ?? '')
        return (filled ?? match.groups[i + 1] ?? '').trim()
      })
      const [name = '', ...versions] = parts
      const end = versions.indexOf('')
      return [name, (end < 0 ? versions : versions.slice(0, end)).join('.')]
    }
    return ['Other', '']
  }

  private regex(rule: Rule): Regex {
    let regex = this.compiled.get(rule)
    if (regex === undefined) {
      // RE2 knows no escaped slash and the like; they stand for themselves.
      const source = rule.regex.replaceAll(/\\([/ _&!@#%=;:<>~"'`,-])/g, '$1')
      regex = new Regex(rule.regex_flag === 'i' ? `(?i)${source}` : source)
      this.compiled.set(rule, regex)
    }
    return regex
  }
}

let parser: Parser | undefined

function loaded(): Parser {
  if (parser === undefined) {
    const path = createRequire(import.meta.url).resolve('uap-core/regexes.yaml')
    parser = new Parser(parse(readFileSync(path, 'utf8')) as Rules)
  }
  return parser
}

export const userAgentFunctions = [
  converter('UserAgent', { user_agent: text }, ({ user_agent: agent }): Getter => {
    const reader = loaded()
    return (frame) => reader.parse(agent(frame))
  }),
] as const
