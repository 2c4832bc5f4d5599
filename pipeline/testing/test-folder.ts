import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** A folder for the tests of one file, gone when they are done. */
export function testFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `vigil-${name}-`))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

let ticks = 0

/** The file is of another time than before, however coarse the clock of the file system is. Gives its path. */
export function writeAnew(path: string, content: string): string {
  writeFileSync(path, content)
  ticks++
  utimesSync(path, ticks, ticks)
  return path
}
