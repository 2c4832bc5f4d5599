/** Surroundings for tests of statements: a fixed time and a seeded chance. */
import type { Host } from './frame.ts'

export function testHost(nowUnixNano = 1_700_000_000_123_456_789n): Host {
  let state = 1
  return {
    nowUnixNano: () => nowUnixNano,
    random() {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
      return state / 0x8000_0000
    },
  }
}
