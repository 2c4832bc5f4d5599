import type { FileHandle } from 'node:fs/promises'
import { type Marks, readMarks } from './ack-log.ts'
import { RecordReader } from './record-reader.ts'
import type { Segment } from './segment.ts'

/** A segment that is being read. */
export class Source {
  readonly segment: Segment
  readonly #file: FileHandle
  readonly #reader: RecordReader
  readonly #marks: Marks

  static async open(segment: Segment): Promise<Source> {
    const file = await segment.reader()
    try {
      return new Source(segment, file, await readMarks(segment.acks.path, segment.salt))
    } catch (error) {
      await file.close()
      throw error
    }
  }

  private constructor(segment: Segment, file: FileHandle, marks: Marks) {
    this.segment = segment
    this.#file = file
    this.#reader = new RecordReader(file, segment.salt, segment.firstOffset)
    this.#marks = marks
  }

  get offset(): number {
    return this.#reader.offset
  }
  set offset(offset: number) {
    this.#reader.offset = offset
  }

  next() {
    return this.#reader.next(this.segment.end)
  }

  /** How often the record there was taken before; -1 = acknowledged. */
  attempts(offset: number): number {
    return this.#marks.byOffset.get(offset) ?? 0
  }

  /** How many processes ended while it was under way. */
  crashes(offset: number): number {
    return this.#marks.begun.get(offset) ?? 0
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
