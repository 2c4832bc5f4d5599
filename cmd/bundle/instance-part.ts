/** What a running instance says of itself: its metrics, and its components by zpages. */
import { boundedText } from '../../pipeline/net/bounded-text.ts'
import type { TarFile } from './tar.ts'

const timeoutMs = 10_000
const maxBytes = 16 * 1024 * 1024
const pages = ['/metrics', '/debug/componentz', '/debug/servicez']

/** One file for each page that answers, and a note of those that do not. An URL without a path means all pages that Vigil has. */
export async function instancePart(urls: readonly string[]): Promise<readonly TarFile[]> {
  const files: TarFile[] = []
  const notes: string[] = []
  for (const [i, base] of urls.entries()) {
    for (const url of addressesOf(base)) {
      try {
        files.push({ name: `instance-${i + 1}/${fileName(url)}`, text: await get(url) })
        notes.push(`${url.href}: taken`)
      } catch (error) {
        notes.push(`${url.href}: ${reasonOf(error)}`)
      }
    }
  }
  return notes.length === 0 ? [] : [...files, { name: 'instances.txt', text: `${notes.join('\n')}\n` }]
}

function addressesOf(text: string): readonly URL[] {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error(`not an URL: "${text}"; write the address of metrics or zpages, like http://localhost:8888`)
  }
  return url.pathname === '/' ? pages.map((page) => new URL(page, url)) : [url]
}

async function get(url: URL): Promise<string> {
  const headers: Record<string, string> = {}
  const { username, password } = url
  // fetch refuses credentials in an URL.
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  if (username !== '') {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`
  }
  const response = await fetch(bare, { headers, signal: AbortSignal.timeout(timeoutMs) })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`answered ${response.status}`)
  }
  return response.body === null ? '' : boundedText(response.body, maxBytes, `is larger than ${maxBytes} bytes`)
}

function fileName({ pathname }: URL): string {
  return (
    pathname
      .replace(/^\/(?:debug\/)?/, '')
      .replace(/[^\w.-]+/g, '-')
      .slice(0, 60) || 'index'
  )
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
