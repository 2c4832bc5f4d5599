/** Which server it is, as `SELECT VERSION()` says: `8.0.36-0ubuntu0`, `10.11.6-MariaDB-log`, `5.5.5-10.11.6-MariaDB`. */
export interface Version {
  readonly isMariaDb: boolean
  /** Three numbers; empty where they are not known. */
  readonly text: string
}

export function versionOf(said: string): Version {
  const isMariaDb = said.includes('MariaDB')
  // Older ones say the version of MySQL first that they can be taken for.
  const own = isMariaDb ? said.replace(/^5\.5\.5-/, '') : said
  return { isMariaDb, text: /^\d+\.\d+\.\d+/.exec(own)?.[0] ?? '' }
}

/** Whether it is MySQL, and so new. */
export function isMySqlSince({ isMariaDb, text }: Version, since: readonly [number, number, number]): boolean {
  if (isMariaDb || text === '') return false
  const parts = text.split('.').map(Number)
  for (const [i, wanted] of since.entries()) if (parts[i] !== wanted) return parts[i]! > wanted
  return true
}
