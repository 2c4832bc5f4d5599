const second = 1_000_000_000n

/** By the second; 0 where the interval is empty or ends before it begins. */
export function rate(value: number, startUnixNano: bigint, timeUnixNano: bigint): number {
  const nanos = BigInt.asIntN(64, timeUnixNano - startUnixNano)
  if (nanos <= 0n) return 0
  // Whole seconds apart from the rest, as Go's Duration.Seconds: the division by 1e9 then rounds as there.
  return value / (Number(nanos / second) + Number(nanos % second) / 1e9)
}
