/** References of container images, by the grammar of github.com/distribution/reference. */
const domainPart = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const domain = `(?:${domainPart}(?:\\.${domainPart})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`
const pathPart = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const name = `(?:${domain}/)?${pathPart}(?:/${pathPart})*`
const digestText = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const referencePattern = new RegExp(`^(${name})(?::(\\w[\\w.-]{0,127}))?(?:@(${digestText}))?$`)
const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }
const longestName = 255
/** Longer texts name no image, and the pattern need not see them. */
const longestReference = 1_024

export interface ImageReference {
  readonly name: string
  /** Empty where there is none. */
  readonly tag: string
  readonly digest: string
}

export function parseReference(text: string): ImageReference | undefined {
  if (text.length > longestReference) return undefined
  const match = referencePattern.exec(text)
  if (match === null) return undefined
  const [, path = '', tag = '', digest = ''] = match
  if (path.length > longestName || (digest !== '' && !isDigest(digest))) return undefined
  return { name: path, tag, digest }
}

/** `tag`, `digest` or `tag@digest`; undefined for neither. */
export function versionOf({ tag, digest }: ImageReference): string | undefined {
  return [tag, digest].filter((part) => part !== '').join('@') || undefined
}

/** With registry and repository written out, of a reference that says the digest; undefined for others. */
export function canonicalReference(text: string): string | undefined {
  if (/^[a-f0-9]{64}$/.test(text) || isDigest(text)) return undefined
  const [registry, rest] = splitDomain(text)
  const repository = rest.split(':', 1)[0] ?? ''
  if (repository.toLowerCase() !== repository) return undefined
  const parsed = parseReference(`${registry}/${rest}`)
  if (parsed === undefined || parsed.digest === '') return undefined
  return `${parsed.name}${parsed.tag === '' ? '' : `:${parsed.tag}`}@${parsed.digest}`
}

function splitDomain(text: string): [domain: string, rest: string] {
  const at = text.indexOf('/')
  const first = text.slice(0, Math.max(at, 0))
  const isPath = at < 0 || (!/[.:]/.test(first) && first !== 'localhost' && first.toLowerCase() === first)
  const registry = isPath || first === 'index.docker.io' ? 'docker.io' : first
  const rest = isPath ? text : text.slice(at + 1)
  return [registry, registry === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest]
}

function isDigest(text: string): boolean {
  const [algorithm = '', hex = ''] = text.split(':', 2)
  return digestLengths[algorithm] === hex.length && /^[a-f0-9]+$/.test(hex)
}
