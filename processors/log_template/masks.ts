/** The masking rules: what they match is a name in the template, and an attribute of the record. */
import { Regex } from '../../pipeline/ottl/regex.ts'
import type { Config } from './config.ts'

/** A match of a rule: the attribute that gets it, and its text. */
export interface Masked {
  readonly attribute: string
  readonly text: string
}

/** Answers the text with names for what matched; adds the matches to `found`. */
export type Mask = (text: string, found: Masked[]) => string

export function compileMasks({ masking_rules, parameter_key_prefix }: Config): Mask | undefined {
  if (masking_rules.length === 0) return undefined
  const rules = masking_rules.map(({ name, pattern }) => ({
    regex: new Regex(pattern),
    shown: `<${name}>`,
    attribute: `${parameter_key_prefix}.${name}`,
  }))
  return (text, found) => {
    let masked = text
    for (const { regex, shown, attribute } of rules) {
      masked = regex.replaceEach(masked, ({ groups: [match = ''] }) => {
        found.push({ attribute, text: match })
        return shown
      })
    }
    return masked
  }
}
