/** What the SQLite file looks like, and how an older one becomes the newest. */
import type { DatabaseSync } from 'node:sqlite'

/** One entry a version of the file, kept in `user_version`; entries are added at the end and never changed. */
const migrations: readonly string[] = [
  `CREATE TABLE tables (
     id INTEGER PRIMARY KEY,
     owner TEXT NOT NULL,
     name TEXT NOT NULL,
     UNIQUE (owner, name)
   );
   CREATE TABLE owners (owner TEXT PRIMARY KEY, version INTEGER NOT NULL);
   CREATE TABLE entries (
     in_table INTEGER NOT NULL REFERENCES tables (id),
     key TEXT NOT NULL,
     at INTEGER NOT NULL,
     revision INTEGER NOT NULL,
     value BLOB NOT NULL,
     PRIMARY KEY (in_table, key, at)
   );
   CREATE INDEX entries_by_time ON entries (in_table, at, key);`,
]
const newestVersion = migrations.length

/** Throws where a newer Vigil wrote the file, and touches nothing then. */
export function migrate(database: DatabaseSync, path: string): void {
  const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (found > newestVersion)
    throw new NewerFileError(
      `${path} was written by a newer Vigil (format ${found}, this one knows ${newestVersion}): update, or give this one another path`,
    )
  for (let version = found; version < newestVersion; version++) {
    database.exec(`BEGIN IMMEDIATE; ${migrations[version]!} PRAGMA user_version = ${version + 1}; COMMIT`)
  }
}

export class NewerFileError extends Error {}
