/** Statements and plans without their values, as upstream's receiver writes them. */
import { obfuscateSql } from '../../pipeline/sql/obfuscate.ts'
import { obfuscatePlan } from '../../pipeline/sql/obfuscate-plan.ts'
import { SqlError } from '../../pipeline/sql/tokens.ts'

/** Empty for what cannot be read: better no text than somebody's values. */
export function statementText(statement: string): string {
  try {
    return obfuscateSql(statement, 'postgresql', { keepAliases: true })
  } catch (error) {
    if (error instanceof SqlError) return ''
    throw error
  }
}

export function planText(json: string): string {
  return obfuscatePlan(json, { dialect: 'postgresql', keepAliases: true, sql: conditions, keep: harmless })
}

/** Statements that EXPLAIN takes. */
const explainable = new Set(['SELECT', 'TABLE', 'DELETE', 'INSERT', 'UPDATE', 'WITH', 'MERGE', 'VALUES'])

export function isExplainable(statement: string): boolean {
  const word = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*([A-Za-z]+)/.exec(statement)?.[1]
  return word !== undefined && explainable.has(word.toUpperCase())
}

const conditions = new Set([
  'attached_condition',
  'Cache Key',
  'Conflict Filter',
  'Function Call',
  'Filter',
  'Hash Cond',
  'Index Cond',
  'Join Filter',
  'Merge Cond',
  'Output',
  'Recheck Cond',
  'Repeatable Seed',
  'Sampling Parameters',
  'TID Cond',
])
/** Keys of a plan whose values are numbers, names and kinds. */
const harmless = new Set(
  `Plan Rows | Plan Width | Startup Cost | Total Cost | Actual Loops | Actual Rows
   Actual Startup Time | Actual Total Time | Alias | Async Capable | Average Sort Space Used | Cache Evictions
   Cache Hits | Cache Misses | Cache Overflows | Calls | Command | Conflict Arbiter Indexes
   Conflict Resolution | Conflicting Tuples | Constraint Name | CTE Name | Custom Plan Provider | Deforming
   Emission | Exact Heap Blocks | Execution Time | Expressions | Foreign Delete | Foreign Insert
   Foreign Update | Full-sort Group | Function Name | Generation | Group Count | Grouping Sets
   Group Key | HashAgg Batches | Hash Batches | Hash Buckets | Heap Fetches | I/O Read Time
   I/O Write Time | Index Name | Inlining | Join Type | Local Dirtied Blocks | Local Hit Blocks
   Local Read Blocks | Local Written Blocks | Lossy Heap Blocks | Node Type | Optimization | Original Hash Batches
   Original Hash Buckets | Parallel Aware | Parent Relationship | Partial Mode | Peak Memory Usage | Peak Sort Space Used
   Planned Partitions | Planning Time | Pre-sorted Groups | Presorted Key | Query Identifier | Relation Name
   Rows Removed by Conflict Filter | Rows Removed by Filter | Rows Removed by Index Recheck | Rows Removed by Join Filter | Sampling Method | Scan Direction
   Schema | Settings | Shared Dirtied Blocks | Shared Hit Blocks | Shared Read Blocks | Shared Written Blocks
   Single Copy | Sort Key | Sort Method | Sort Methods Used | Sort Space Type | Sort Space Used
   Strategy | Subplan Name | Subplans Removed | Target Tables | Temp Read Blocks | Temp Written Blocks
   Time | Timing | Total | Trigger | Trigger Name | Triggers
   Tuples Inserted | Tuplestore Name | WAL Bytes | WAL FPI | WAL Records | Worker
   Worker Number | Workers | Workers Launched | Workers Planned`
    .split(/[|\n]/)
    .map((key) => key.trim()),
)
