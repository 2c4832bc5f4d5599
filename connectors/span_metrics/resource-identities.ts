/** Which resources are the same: by all of their attributes, or by those that the settings name. */
import { WireAttributes } from '../../pipeline/data/attributes.ts'
import { ByteDictionary } from '../../pipeline/data/dictionary.ts'
import { identityOf } from '../../pipeline/data/identity.ts'
import { prepareAttributes } from '../../pipeline/data/prepared-attributes.ts'

const cacheSize = 4096

export class ResourceIdentities {
  private readonly keys: ReadonlySet<string>
  // Bytes that were seen before are not read again. When there are too many, it starts over.
  private seen = new ByteDictionary(cacheSize)
  private known: string[] = []

  /** No keys = all attributes. */
  constructor(keys: ReadonlySet<string>) {
    this.keys = keys
  }

  /** Equal for equal resources; the Resource message stands in [start, end). */
  of(b: Uint8Array, start: number, end: number): string {
    const id = this.seen.idOf(b, start, end)
    if (id === 0) {
      this.seen = new ByteDictionary(cacheSize)
      this.known = []
      return this.read(new WireAttributes(b, start, end, 10))
    }
    return (this.known[id] ??= this.read(new WireAttributes(b, start, end, 10)))
  }

  private read(attributes: WireAttributes): string {
    if (this.keys.size === 0) return identityOf(attributes)
    // Reversed, so that of equal names the first stays.
    const named = [...attributes.entries()].filter(([name]) => this.keys.has(name)).reverse()
    return identityOf(prepareAttributes(Object.fromEntries(named)))
  }
}
