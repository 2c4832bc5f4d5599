/** Where configuration comes from: files, environment variables, inline YAML and plain HTTP GET. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { errorMessage } from '../error-message.ts'
import { boundedText } from '../net/bounded-text.ts'
import type { ConfigProblem, Position } from './config.ts'
import { parseYaml } from './parse-yaml.ts'
import type { Node } from './tree.ts'
import type { Location } from './uri.ts'

export const providerSchemes: readonly string[] = ['env', 'file', 'http', 'https', 'yaml']
const maxBodyBytes = 16 * 1024 * 1024
const downloadTimeoutMs = 30_000

export interface Retrieved {
  readonly node: Node
  /** As it came, before YAML made types of it. */
  readonly text: string
  /** Why it is a text and not what YAML would make of it. */
  readonly problems: readonly ConfigProblem[]
  readonly warning?: string
}
export interface Providers {
  /** Throws an `Error` with upstream's words. */
  retrieve(location: Location): Promise<Retrieved>
  /** Local files that were read. */
  readonly files: ReadonlySet<string>
}

export function createProviders(env: Readonly<Record<string, string | undefined>>, cwd: string): Providers {
  const files = new Set<string>()
  return {
    files,
    async retrieve({ scheme, opaque }) {
      switch (scheme) {
        case 'env':
          return fromEnv(opaque, env)
        case 'yaml':
          return fromText(opaque, 'yaml')
        case 'file': {
          const text = await readText(opaque, cwd)
          files.add(path.resolve(cwd, opaque))
          return fromText(text, opaque)
        }
        case 'http':
        case 'https':
          return fromText(await download(`${scheme}:${opaque}`), `${scheme}:${opaque}`)
        default:
          throw new Error(
            `scheme "${scheme}" is not supported for uri "${scheme}:${opaque}"; use one of: ${providerSchemes.join(', ')}`,
          )
      }
    },
  }
}

/** What YAML reads as a text, or does not read at all, is the text as it came, quotes included. */
export function fromText(text: string, source: string): Retrieved {
  const start: Position = { source, line: 1, column: 1 }
  const parsed = parseYaml(text, source)
  if ('problems' in parsed)
    return { node: { kind: 'scalar', value: text, position: start }, text, problems: parsed.problems }
  const isText = parsed.node.kind === 'scalar' && typeof parsed.node.value === 'string'
  return { node: isText ? { kind: 'scalar', value: text, position: start } : parsed.node, text, problems: [] }
}

function fromEnv(opaque: string, env: Readonly<Record<string, string | undefined>>): Retrieved {
  const separator = opaque.indexOf(':-')
  const name = separator < 0 ? opaque : opaque.slice(0, separator)
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
    throw new Error(`environment variable "${name}" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$`)
  }
  const value = env[name]
  if (value !== undefined) return fromText(value, `env:${name}`)
  if (separator >= 0) return fromText(opaque.slice(separator + 2), `env:${name}`)
  const cure = `set it, or write a default: \${env:${name}:-default}`
  return {
    ...fromText('', `env:${name}`),
    warning: `Configuration references unset environment variable "${name}"; ${cure}`,
  }
}

async function readText(file: string, cwd: string): Promise<string> {
  try {
    return await readFile(path.resolve(cwd, file), 'utf8')
  } catch (cause) {
    const name = file === '' ? '.' : file
    throw new Error(`unable to read the file file:${file}: ${fileError(cause, name)}`, { cause })
  }
}
function fileError(cause: unknown, file: string): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return `open ${file}: no such file or directory`
    case 'EISDIR':
      return `read ${file}: is a directory`
    case 'EACCES':
      return `open ${file}: permission denied`
    default:
      return errorMessage(cause)
  }
}

async function download(uri: string): Promise<string> {
  let response: Response
  try {
    response = await fetch(uri, { signal: AbortSignal.timeout(downloadTimeoutMs) })
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause)
    throw new Error(`unable to download the file via HTTP GET for uri "${uri}": ${reason}`, { cause })
  }
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`failed to load resource from uri "${uri}". status code: ${response.status}`)
  }
  if (response.body === null) return ''
  return boundedText(response.body, maxBodyBytes, `the configuration at "${uri}" is larger than ${maxBodyBytes} bytes`)
}
