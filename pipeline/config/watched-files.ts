/** Files beside the configuration that a component reads, and reads again when they change: by time and size, looked at when it asks. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage } from '../error-message.ts'

export interface ReadFile {
  readonly path: string
  readonly text: string
}
export interface FilesRead {
  readonly files: readonly ReadFile[]
  /** `path: why it cannot be read`. */
  readonly problems: readonly string[]
}

const maxFiles = 1_000
const maxBytes = 16 * 1024 * 1024
const extensions = /\.(?:ya?ml|json)$/

/** Paths of files, and of folders, of which the YAML and JSON files count (not those of folders inside). */
export class WatchedFiles {
  private readonly paths: readonly string[]
  private signature = ''

  constructor(paths: readonly string[]) {
    this.paths = paths
  }

  /** What they say now, in the order of the paths, in a folder by name. */
  async read(): Promise<FilesRead> {
    const { found, problems, signature } = await this.look()
    this.signature = signature
    const files: ReadFile[] = []
    for (const path of found) {
      try {
        files.push({ path, text: await readFile(path, 'utf8') })
      } catch (error) {
        problems.push(`${path}: cannot be read: ${errorMessage(error)}`)
      }
    }
    return { files, problems }
  }

  /** Whether anything is other than at the last `read`. */
  async hasChanged(): Promise<boolean> {
    return (await this.look()).signature !== this.signature
  }

  private async look(): Promise<{ found: string[]; problems: string[]; signature: string }> {
    const found: string[] = []
    const problems: string[] = []
    const signature: string[] = []
    const note = async (path: string, isNamed: boolean): Promise<void> => {
      try {
        const { size, mtimeMs, isFolder } = await statOf(path)
        if (isFolder) {
          if (!isNamed) return
          const names = (await readdir(path)).filter((name) => extensions.test(name)).sort()
          for (const name of names) await note(join(path, name), false)
          return
        }
        signature.push(`${path} ${size} ${mtimeMs}`)
        if (size > maxBytes) problems.push(`${path}: ${size} bytes are more than the ${maxBytes} that are read`)
        else if (found.length === maxFiles) problems.push(`${path}: left out, ${maxFiles} files are read at most`)
        else found.push(path)
      } catch (error) {
        problems.push(`${path}: cannot be read: ${errorMessage(error)}`)
        signature.push(`${path} ${errorMessage(error)}`)
      }
    }
    for (const path of this.paths) await note(path, true)
    return { found, problems, signature: signature.join('\n') }
  }
}

async function statOf(path: string) {
  const found = await stat(path)
  return { size: found.size, mtimeMs: found.mtimeMs, isFolder: found.isDirectory() }
}
