/** What is asked. Statistics views of PostgreSQL: https://www.postgresql.org/docs/current/monitoring-stats.html */
import { escapeLiteral } from 'pg'
import type { Query } from '../../pipeline/sql/answer.ts'

/** Statements that begin so are none of the users': neither samples nor top queries show them. Upstream's receiver marks its own so too. */
export const mark = '/* otel-collector-ignore */'

export const server: Query = {
  name: 'server',
  sql: `SELECT current_setting('server_version_num') AS version, current_setting('server_version') AS version_text,
    current_setting('max_connections') AS max_connections`,
}
export const databaseNames: Query = {
  name: 'databases',
  sql: 'SELECT datname FROM pg_catalog.pg_database WHERE NOT datistemplate',
}

const within = (databases: readonly string[]) =>
  `datname IN (${databases.map((name) => escapeLiteral(name)).join(', ')})`

export const backends = (databases: readonly string[]): Query => ({
  name: 'backends',
  sql: `SELECT datname, count(*) AS backends FROM pg_stat_activity WHERE ${within(databases)} GROUP BY datname`,
})
export const databaseSizes = (databases: readonly string[]): Query => ({
  name: 'database_sizes',
  sql: `SELECT datname, pg_database_size(datname) AS size FROM pg_catalog.pg_database WHERE NOT datistemplate AND ${within(databases)}`,
})
export const databaseStatistics = (databases: readonly string[]): Query => ({
  name: 'database_statistics',
  sql: `SELECT datname, xact_commit, xact_rollback, deadlocks, temp_files, temp_bytes, tup_updated, tup_returned, tup_fetched,
    tup_inserted, tup_deleted, blks_hit, blks_read FROM pg_stat_database WHERE ${within(databases)}`,
})
export const conflicts = (databases: readonly string[]): Query => ({
  name: 'conflicts',
  sql: `SELECT datname, confl_tablespace, confl_lock, confl_snapshot, confl_bufferpin, confl_deadlock
    FROM pg_stat_database_conflicts WHERE ${within(databases)}`,
})

/** A relation that somebody has locked for himself is left out: the size of it would be waited for. */
const unlocked = (oid: string) => `NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.granted
    AND l.mode = 'AccessExclusiveLock' AND l.relation = ${oid} AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))`

export const tables: Query = {
  name: 'tables',
  sql: `SELECT s.schemaname AS schema, s.relname AS table, s.n_live_tup, s.n_dead_tup, s.n_tup_ins, s.n_tup_upd, s.n_tup_del,
    s.n_tup_hot_upd, s.seq_scan, s.vacuum_count, pg_relation_size(s.relid) AS size,
    coalesce(io.heap_blks_read, 0) AS heap_read, coalesce(io.heap_blks_hit, 0) AS heap_hit,
    coalesce(io.idx_blks_read, 0) AS idx_read, coalesce(io.idx_blks_hit, 0) AS idx_hit,
    coalesce(io.toast_blks_read, 0) AS toast_read, coalesce(io.toast_blks_hit, 0) AS toast_hit,
    coalesce(io.tidx_blks_read, 0) AS tidx_read, coalesce(io.tidx_blks_hit, 0) AS tidx_hit
    FROM pg_stat_user_tables s LEFT JOIN pg_statio_user_tables io ON io.relid = s.relid WHERE ${unlocked('s.relid')}`,
}
export const indexes: Query = {
  name: 'indexes',
  sql: `SELECT schemaname AS schema, relname AS table, indexrelname AS index, idx_scan, pg_relation_size(indexrelid) AS size
    FROM pg_stat_user_indexes s WHERE ${unlocked('s.indexrelid')}`,
}
/** Functions of one name are told apart by the names of their arguments. */
export const functions: Query = {
  name: 'functions',
  sql: `SELECT s.schemaname AS schema, s.calls,
    CASE WHEN count(*) OVER (PARTITION BY s.funcname) = 1 OR p.proargnames IS NULL THEN p.proname
      ELSE p.proname || '_' || array_to_string(p.proargnames, '_') END AS function
    FROM pg_stat_user_functions s JOIN pg_proc p ON p.oid = s.funcid`,
}

/** Version 17 moved the checkpoints elsewhere, and counts no more what backends write. */
export const backgroundWriter = (version: number): Query => ({
  name: 'background_writer',
  sql:
    version < 170_000
      ? `SELECT checkpoints_req AS requested, checkpoints_timed AS scheduled, checkpoint_write_time AS write_time,
    checkpoint_sync_time AS sync_time, buffers_clean AS bgwriter, buffers_backend AS backend, buffers_backend_fsync AS backend_fsync,
    buffers_checkpoint AS checkpoints, buffers_alloc AS allocated, maxwritten_clean AS maxwritten FROM pg_stat_bgwriter`
      : `SELECT c.num_requested AS requested, c.num_timed AS scheduled, c.write_time, c.sync_time, b.buffers_clean AS bgwriter,
    c.buffers_written AS checkpoints, b.buffers_alloc AS allocated, b.maxwritten_clean AS maxwritten
    FROM pg_stat_bgwriter b, pg_stat_checkpointer c`,
})
export const walAge: Query = {
  name: 'wal_age',
  sql: 'SELECT trunc(extract(epoch FROM now() - last_archived_time)) AS age FROM pg_stat_archiver',
}
/** A standby that feeds others has received a log of its own, and writes none. */
export const replication: Query = {
  name: 'replication',
  sql: `SELECT coalesce(client_addr::text, 'unix') AS client,
    pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, replay_lsn) AS pending,
    extract(epoch FROM write_lag) AS write_lag, extract(epoch FROM flush_lag) AS flush_lag,
    extract(epoch FROM replay_lag) AS replay_lag FROM pg_stat_replication`,
}
export const locks: Query = {
  name: 'locks',
  sql: `SELECT c.relname AS relation, l.mode, l.locktype, count(l.pid) AS locks FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    GROUP BY c.relname, l.mode, l.locktype`,
}

const utc = (column: string) => `coalesce(to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '')`

/** Sessions with a statement, but for those that are idle since before `sinceSeconds` (of the epoch) and block nobody. */
export const querySamples = (version: number, sinceSeconds: number, limit: number): Query => ({
  name: 'query_samples',
  sql: `SELECT a.datname, a.usename, a.client_addr::text AS client_addr, a.client_hostname, a.client_port, a.query_start::text AS query_start,
    a.wait_event_type, a.wait_event, ${version < 140_000 ? "''" : 'a.query_id::text'} AS query_id, a.pid, a.application_name, a.state, a.query,
    extract(epoch FROM a.query_start) AS started,
    CASE WHEN a.state = 'active' THEN extract(epoch FROM clock_timestamp() - a.query_start) * 1e3
      WHEN a.state IN ('idle', 'idle in transaction', 'idle in transaction (aborted)')
        THEN extract(epoch FROM a.state_change - a.query_start) * 1e3 END AS duration_ms,
    CASE WHEN a.wait_event_type = 'Lock' THEN pg_blocking_pids(a.pid)::text ELSE '{}' END AS blocking_pids,
    ${version < 140_000 ? "''" : utc('w.waitstart')} AS blocking_start,
    ${version < 140_000 ? '0' : 'coalesce(extract(epoch FROM clock_timestamp() - w.waitstart)::bigint, 0)'} AS blocking_wait,
    coalesce(w.mode, '') AS lock_mode, coalesce(w.locktype, '') AS lock_type, coalesce(c.relname, '') AS lock_relation,
    ${utc('a.xact_start')} AS transaction_start
    FROM pg_stat_activity a
    LEFT JOIN LATERAL (SELECT * FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted
      ORDER BY ${version < 140_000 ? 'l.locktype' : 'l.waitstart NULLS LAST'} LIMIT 1) w ON true
    LEFT JOIN pg_class c ON c.oid = w.relation
    WHERE trim(coalesce(a.query, '')) <> '' AND a.pid <> pg_backend_pid() AND a.query_start IS NOT NULL
      AND a.query NOT LIKE ${escapeLiteral(`${mark}%`)}
      AND (a.state IS DISTINCT FROM 'idle' OR a.query_start >= to_timestamp(${sinceSeconds})
        OR a.pid IN (SELECT unnest(pg_blocking_pids(b.pid)) FROM pg_stat_activity b WHERE b.wait_event_type = 'Lock'))
    LIMIT ${limit}`,
})

/** Of `pg_stat_statements`; before version 13 it did not tell planning from execution. */
export const topQueries = (version: number, limit: number): Query => ({
  name: 'top_queries',
  sql: `SELECT d.datname, coalesce(r.rolname, '') AS rolname, s.queryid::text AS queryid,
    ${version < 140_000 ? "'t'" : 's.toplevel::text'} AS toplevel, s.query, s.calls, s.rows, s.shared_blks_dirtied, s.shared_blks_hit,
    s.shared_blks_read, s.shared_blks_written, s.temp_blks_read, s.temp_blks_written,
    ${version < 130_000 ? 's.total_time AS total_exec_time, 0 AS total_plan_time' : 's.total_exec_time, s.total_plan_time'}
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid LEFT JOIN pg_roles r ON r.oid = s.userid
    WHERE s.query <> '<insufficient privilege>' AND s.query NOT LIKE ${escapeLiteral(`${mark}%`)}
    ORDER BY s.calls DESC LIMIT ${limit}`,
})
