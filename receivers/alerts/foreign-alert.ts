/** An alert of another system, whoever sent it. */
export interface ForeignAlert {
  readonly source: string
  /** What it is known by: the same at its end as at its beginning. */
  readonly fingerprint: string
  /** Of the rule. */
  readonly name: string
  readonly isOver: boolean
  /** Undefined where nobody says. */
  readonly startsNano: bigint | undefined
  readonly endsNano: bigint | undefined
  /** When it is over unless it comes again; undefined = as the receiver is set. */
  readonly expiresNano: bigint | undefined
  readonly labels: Labels
  /** What people read; may be empty. */
  readonly text: string
  readonly url: string | undefined
  readonly runbook: string | undefined
}
export type Labels = ReadonlyMap<string, string>

/** As Prometheus' `LabelSet.Fingerprint`: 64 bits of FNV-1a over names and values, sorted by name, each closed by 0xff. O(bytes). */
export function fingerprintOf(labels: Labels): string {
  let high = 0xcbf2_9ce4
  let low = 0x8422_2325
  const add = (byte: number) => {
    const x = (low ^ byte) >>> 0
    // Times 2^40 + 0x1b3: of the first only the lower 24 bits of x stay.
    const product = x * 0x1b3
    high = (high * 0x1b3 + x * 0x100 + Math.floor(product / 2 ** 32)) >>> 0
    low = product >>> 0
  }
  for (const name of [...labels.keys()].sort(byBytes)) {
    for (const text of [name, labels.get(name) ?? '']) {
      for (const byte of Buffer.from(text)) add(byte)
      add(0xff)
    }
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
