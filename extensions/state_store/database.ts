/** The only place with SQL: tables of rows in one SQLite file. Synchronous, so it lives in a thread of its own. */
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { StateChange, StateQuery, StateRow } from '../../pipeline/capability/state-store.ts'
import { StateStoreError } from '../../pipeline/capability/state-store.ts'
import { errorMessage } from '../../pipeline/error-message.ts'
import type { Cursor, DatabaseSettings, Page } from './messages.ts'
import { migrate, NewerFileError } from './schema.ts'

/** Rows of a page end at whichever comes first. */
const pageRows = 2_000
const pageBytes = 4 * 1024 * 1024
const maxKeyLength = 1_000
/** Larger files are checked completely only after an error that says that they are damaged: it reads all of them. */
const alwaysCheckedBytes = 64 * 1024 * 1024
/** SQLite's result codes. */
const codes = { busy: 5, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const

export class Database {
  readonly setAside: { readonly path: string; readonly why: string } | undefined
  private readonly path: string
  private readonly database: DatabaseSync
  private readonly tables = new Map<string, number>()
  private readonly statements: Statements

  /** Sets a file aside that cannot be read. Throws what keeps it from starting. */
  constructor({ path, maxBytes }: DatabaseSettings) {
    this.path = path
    const { database, setAside } = openOrSetAside(path)
    this.database = database
    this.setAside = setAside
    const { page_size: pageSize } = database.prepare('PRAGMA page_size').get() as { page_size: number }
    database.exec(`PRAGMA max_page_count = ${Math.max(64, Math.trunc(maxBytes / pageSize))}`)
    this.statements = new Statements(database)
    for (const { id, owner, name } of database.prepare('SELECT id, owner, name FROM tables').all())
      this.tables.set(tableKey(String(owner), String(name)), Number(id))
  }

  get bytes(): number {
    const { page_count: pages } = this.database.prepare('PRAGMA page_count').get() as { page_count: number }
    const { page_size: size } = this.database.prepare('PRAGMA page_size').get() as { page_size: number }
    return pages * size
  }

  /** The version that the owner gave before; 0 = none. Throws where it was newer. */
  open(owner: string, version: number): number {
    return this.guarded(() => {
      const found = this.database.prepare('SELECT version FROM owners WHERE owner = ?').get(owner)
      const before = found === undefined ? 0 : Number(found.version)
      if (before > version)
        throw new StateStoreError(
          `${this.path}: a newer Vigil has written the state of ${owner} (version ${before}, this one knows ${version}): update, or use another path`,
          'failed',
        )
      if (before !== version)
        this.database
          .prepare('INSERT INTO owners VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version')
          .run(owner, version)
      return before
    })
  }

  commit(owner: string, changes: readonly StateChange[]): void {
    const created: string[] = []
    this.guarded(() => {
      this.database.exec('BEGIN IMMEDIATE')
      try {
        for (const change of changes) this.change(this.tableOf(owner, change.table, created), change)
        this.database.exec('COMMIT')
      } catch (error) {
        for (const key of created) this.tables.delete(key)
        // A full disk has rolled it back by itself.
        if (this.database.isTransaction) this.database.exec('ROLLBACK')
        throw error
      }
    })
  }

  read(owner: string, query: StateQuery, after: Cursor | undefined): Page {
    const table = this.tables.get(tableKey(owner, query.table))
    if (table === undefined) return { rows: [], next: undefined }
    return this.guarded(() => {
      const rows: StateRow[] = []
      let bytes = 0
      for (const found of this.statements.read(table, query, after)) {
        const row: StateRow = {
          key: String(found.key),
          at: Number(found.at),
          revision: Number(found.revision),
          value: found.value as Uint8Array,
        }
        rows.push(row)
        bytes += row.value.length
        if (rows.length === pageRows || bytes >= pageBytes) return { rows, next: { at: row.at, key: row.key } }
      }
      return { rows, next: undefined }
    })
  }

  close(): void {
    try {
      this.database.exec('PRAGMA incremental_vacuum(1000); PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // What the log file holds is read at the next start.
    }
    this.database.close()
  }

  private change(table: number, change: StateChange): void {
    const { put, remove, removeBefore, removeKeyBefore } = this.statements
    switch (change.kind) {
      case 'put': {
        const { key, at, revision, value } = change.row
        if (key.length > maxKeyLength || !Number.isSafeInteger(at) || !Number.isSafeInteger(revision))
          throw new StateStoreError(
            `not a row: key of ${key.length} characters, at ${at}, revision ${revision}`,
            'failed',
          )
        put.run(table, key, at, revision, value)
        return
      }
      case 'remove':
        remove.run(table, change.key, change.at)
        return
      case 'remove before':
        if (change.key === undefined) removeBefore.run(table, change.before)
        else removeKeyBefore.run(table, change.key, change.before)
    }
  }

  private tableOf(owner: string, name: string, created: string[]): number {
    const key = tableKey(owner, name)
    let id = this.tables.get(key)
    if (id === undefined) {
      const { lastInsertRowid } = this.database
        .prepare('INSERT INTO tables (owner, name) VALUES (?, ?)')
        .run(owner, name)
      id = Number(lastInsertRowid)
      this.tables.set(key, id)
      created.push(key)
    }
    return id
  }

  private guarded<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      if (error instanceof StateStoreError) throw error
      const code = codeOf(error)
      const message = errorMessage(error)
      if (code === codes.full) throw new StateStoreError(`${this.path} is full: ${message}`, 'full', { cause: error })
      if (code === codes.corrupt || code === codes.notADatabase) {
        markDamaged(this.path)
        throw new StateStoreError(`${this.path} is damaged: ${message}; the next start sets it aside`, 'damaged', {
          cause: error,
        })
      }
      throw new StateStoreError(`${this.path}: ${message}`, 'failed', { cause: error })
    }
  }
}

class Statements {
  readonly put: StatementSync
  readonly remove: StatementSync
  readonly removeBefore: StatementSync
  readonly removeKeyBefore: StatementSync
  private readonly database: DatabaseSync
  private readonly reads = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
    this.put = database.prepare(
      `INSERT INTO entries (in_table, key, at, revision, value) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET revision = excluded.revision, value = excluded.value WHERE excluded.revision > revision`,
    )
    this.remove = database.prepare('DELETE FROM entries WHERE in_table = ? AND key = ? AND at = ?')
    this.removeBefore = database.prepare('DELETE FROM entries WHERE in_table = ? AND at < ?')
    this.removeKeyBefore = database.prepare('DELETE FROM entries WHERE in_table = ? AND key = ? AND at < ?')
  }

  read(table: number, query: StateQuery, after: Cursor | undefined): Iterable<Record<string, unknown>> {
    const { key, from = Number.MIN_SAFE_INTEGER, until = Number.MAX_SAFE_INTEGER, newestFirst = false } = query
    const [beyond, order] = newestFirst ? ['<', 'DESC'] : ['>', 'ASC']
    const ofKey = key === undefined ? '' : 'AND key = ?'
    const rest = after === undefined ? '' : `AND (at, key) ${beyond} (?, ?)`
    const sql = `SELECT key, at, revision, value FROM entries WHERE in_table = ? AND at >= ? AND at < ? ${ofKey} ${rest}
                 ORDER BY at ${order}, key ${order} LIMIT ${pageRows}`
    let statement = this.reads.get(sql)
    if (statement === undefined) this.reads.set(sql, (statement = this.database.prepare(sql)))
    const values = [table, from, until, ...(key === undefined ? [] : [key]), ...(after ? [after.at, after.key] : [])]
    return statement.iterate(...values)
  }
}

function openOrSetAside(path: string): { database: DatabaseSync; setAside?: { path: string; why: string } } {
  try {
    return { database: open(path) }
  } catch (error) {
    const code = codeOf(error)
    if (code !== codes.corrupt && code !== codes.notADatabase && !(error instanceof DamagedError))
      throw refusal(path, error)
    const aside = `${path}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '')}`
    for (const suffix of ['', '-wal', '-journal']) {
      if (statSync(path + suffix, { throwIfNoEntry: false }) !== undefined) renameSync(path + suffix, aside + suffix)
    }
    rmSync(`${path}-shm`, { force: true })
    rmSync(markOf(path), { force: true })
    return { database: open(path), setAside: { path: aside, why: errorMessage(error) } }
  }
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 1_000 })
  try {
    // Exclusive: a second process would be told nothing of what this one keeps in memory. The kernel frees it, however the process ends.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL',
    )
    const size = statSync(path).size
    if (size <= alwaysCheckedBytes || statSync(markOf(path), { throwIfNoEntry: false }) !== undefined) check(database)
    rmSync(markOf(path), { force: true })
    migrate(database, path)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function check(database: DatabaseSync): void {
  const { quick_check: result } = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
  if (result !== 'ok') throw new DamagedError(result)
}

class DamagedError extends Error {}

function refusal(path: string, cause: unknown): Error {
  if (cause instanceof NewerFileError) return cause
  if (codeOf(cause) === codes.busy)
    return new Error(`${path} is in use by another process: give each process a file of its own`, { cause })
  return new Error(`${path} cannot be opened: ${errorMessage(cause)}`, { cause })
}

function codeOf(error: unknown): number {
  // The primary result code is the last byte of an extended one.
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff
}

/** Beside the file, since nothing can be written into it. */
function markOf(path: string): string {
  return `${path}.check-me`
}

function markDamaged(path: string): void {
  try {
    writeFileSync(markOf(path), '')
  } catch {
    // Where nothing can be written the next start finds out by itself, or does not open at all.
  }
}

function tableKey(owner: string, name: string): string {
  return `${owner}\n${name}`
}
