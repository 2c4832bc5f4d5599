import { type MemoryLimits, memoryLimiterKeys } from '../../pipeline/telemetry/memory-limiter-keys.ts'

export const config = memoryLimiterKeys
export type Config = MemoryLimits
