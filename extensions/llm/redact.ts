/** Takes out what nobody outside may read: keys, tokens, passwords, mail addresses, values in queries; IP addresses where that is wanted. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{1,40}-----[\s\S]*?(?:-----END [A-Z ]{1,40}-----|$)/g, '<key>'],
  [/\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, '<token>'],
  [/\b(?:sk|pk|rk|ghp|gho|ghs|ghu|glpat|xox[abprs]|hf|npm|pypi|github_pat)[-_][\w-]{10,}/g, '<token>'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, '<token>'],
  [/\bAIza[\w-]{30,}/g, '<token>'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 <token>'],
  [/(:\/\/)[^\s/:@]{1,100}:[^\s/@]{1,200}@/g, '$1<login>@'],
  [/\b([\w-]{0,30}(?:password|passwd|pwd|secret|token|api[_-]?key|authorization)["']?\s*[:=]\s*)(?:"[^"]*"|'[^']*'|[^\s,;&]+)/gi, '$1<secret>'], // biome-ignore format: one thing
  [/[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+/g, '<email>'],
  // What stands between single quotes, or behind an operator, is a value of somebody.
  [/'(?:[^']|'')*'/g, "'?'"],
  [/([=<>]\s*)-?\d[\d.]*/g, '$1?'],
]
const addresses: readonly (readonly [RegExp, string])[] = [
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '<ip>'],
  [/(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])/gi, '<ip>'],
]

export function redactor(more: readonly string[], takesIps: boolean): (text: string) => string {
  const own = more.map((pattern): readonly [RegExp, string] => [new RegExp(pattern, 'gu'), '<redacted>'])
  const all = [...own, ...patterns, ...(takesIps ? addresses : [])]
  return (text) => all.reduce((rest, [pattern, instead]) => rest.replaceAll(pattern, instead), text)
}
