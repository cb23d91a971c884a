import { statSync } from 'node:fs'
import type { SourceEntry, Timestamp } from '../../src/file-tree/entry.ts'
import type { Inode, InodeRef } from '../../src/file-tree/reader.ts'
import { FatCollector, fatLimit, type FatCollectorOptions } from '../../src/fat32/write/collect.ts'
import { clusterCountOf, fatSizeRange } from '../../src/fat32/plan-geometry.ts'
import { planFat, type FatLayout, type FatRequest } from '../../src/fat32/write/plan.ts'
import type { FatTree } from '../../src/fat32/write/plan-tree.ts'
import { checkFatVolume } from '../../src/fat32/check/check.ts'
import type { DirEntry } from '../../src/fat32/format.ts'
import type { FatReader } from '../../src/fat32/read/reader.ts'
import { writeLayout, type WriteLayoutOptions } from '../../src/fat32/write/write.ts'
import { fromText, toText } from '../../src/lib/byte-string.ts'
import type { SyncByteSource } from '../../src/lib/byte-source.ts'
import type { Finding } from '../../src/lib/finding.ts'
import type { ImageSink } from '../../src/lib/image-sink.ts'
import { driveSync, type ReadRoutine } from '../../src/lib/read-routine.ts'
import { contentOf, inodeOf } from '../file-tree/read-inode.ts'
import { withImage, type SparseImage } from '../images/sparse-image.ts'

export const MIB = 2 ** 20
export const TIME: Timestamp = { sec: 1_700_000_000, nsec: 0 }

export const utf8 = (text: string) => new TextEncoder().encode(text)

/** Of the files here. They may be read more than once. */
export type FileEntry = SourceEntry & { type: 'file' }
export type DirectoryEntry = SourceEntry & { type: 'directory' }

export const common = { uid: 7, gid: 8, mtime: TIME, origin: { source: 'a.tar', offset: 512 } }

/** A file whose content comes in pieces of an odd size. */
export function file(
  path: string,
  content: string | Uint8Array = '',
  rest: Partial<FileEntry> = {},
): FileEntry {
  const bytes = typeof content === 'string' ? utf8(content) : content
  return {
    ...common,
    type: 'file',
    path: fromText(path),
    mode: 0o644,
    size: bytes.length,
    content: {
      // eslint-disable-next-line @typescript-eslint/require-await
      async *[Symbol.asyncIterator]() {
        const piece = new Uint8Array(3217)
        for (let at = 0; at < bytes.length; at += piece.length) {
          // A piece is valid until the next one only.
          const part = bytes.subarray(at, at + piece.length)
          piece.set(part)
          yield piece.subarray(0, part.length)
          piece.fill(0xee)
        }
      },
    },
    ...rest,
  }
}

export function directory(path: string, mtime = TIME): DirectoryEntry {
  return { ...common, type: 'directory', path: fromText(path), mode: 0o755, mtime }
}

/** A FAT volume as it is asked for, with the entries that go onto it. */
export type Request = Omit<FatRequest, keyof FatTree> &
  Pick<FatCollectorOptions, 'rules' | 'symlinks'> & { entries: readonly SourceEntry[] }

export function request(entries: readonly SourceEntry[], rest: Partial<Request> = {}): Request {
  return {
    type: 'fat32',
    size: 40 * MIB,
    hiddenSectors: 2048,
    label: 'FIRMWARE',
    volumeId: 0x2178694e,
    time: TIME,
    entries,
    ...rest,
  }
}

/** Collects the entries and plans. */
export async function planOf({ entries, ...asked }: Request): Promise<FatLayout> {
  const collector = new FatCollector({
    ...asked,
    limit: fatLimit(asked.size, asked),
    spool: { add: (content) => Promise.resolve(() => content) },
  })
  for (const entry of entries) await collector.add(entry)
  return planFat({ ...asked, ...collector.tree })
}

/** A sink that holds its user to the rule that nothing is written below what was written before. */
export function strictSink(image: SparseImage): ImageSink {
  let end = 0
  return {
    write(offset, bytes) {
      if (offset < end) throw new Error(`write at ${offset}, below ${end}`)
      end = offset + bytes.length
      image.write(bytes, offset)
    },
    writeTwice() {
      throw new Error('the FATs are written one by one')
    },
    reserve() {
      throw new Error('nothing of a FAT volume is known late')
    },
    patch() {
      throw new Error('nothing of a FAT volume is known late')
    },
    read: (offset, length) => Promise.resolve(image.read(offset, length)),
  }
}

/** For the checks of options. */
export const SIZES = { range: fatSizeRange, clusters: clusterCountOf }

/** What a FAT32 of 40 MiB can hold. */
export const LIMIT_40_MIB = fatLimit(40 * MIB, { type: 'fat32' })

export function sourceOf(image: SparseImage): SyncByteSource {
  const read = (offset: number, length: number) => image.read(offset, length)
  return { size: statSync(image.path).size, read, readSync: read }
}

export interface FoundEntry {
  /** Below the root. */
  path: string
  inode: Inode
  record: DirEntry
  /** Of files. */
  content: Uint8Array | undefined
}

/** All entries and all content: a directory's entries in the order they are stored, then what lies below them. */
export function* allEntries(reader: FatReader): ReadRoutine<FoundEntry[]> {
  const found: FoundEntry[] = []
  const open: { path: string; ref: InodeRef }[] = [{ path: '', ref: reader.root }]
  for (let next = open.pop(); next; next = open.pop()) {
    const below: typeof open = []
    for (const entry of yield* reader.list(next.ref)) {
      const path = next.path + toText(entry.name)!
      const inode = yield* inodeOf(reader, entry)
      const content = entry.type === 'file' ? yield* contentOf(reader, entry, 0, inode.size) : undefined
      found.push({ path, inode, record: (yield* reader.entry(entry))!, content })
      if (entry.type === 'directory') below.push({ path: `${path}/`, ref: entry })
    }
    open.push(...below.reverse())
  }
  return found
}

export function faultsOf(image: SparseImage): Finding[] {
  const faults: Finding[] = []
  driveSync(
    sourceOf(image),
    checkFatVolume((fault) => faults.push(fault)),
  )
  return faults
}

/** Makes a volume in a file of its own, for one piece of work. */
export async function withVolume<T>(
  asked: Request,
  work: (image: SparseImage) => Promise<T>,
  options?: WriteLayoutOptions,
): Promise<T> {
  const layout = await planOf(asked)
  const { sectorSize, totalSectors } = layout.geometry
  return withImage(totalSectors * sectorSize, async (image) => {
    await writeLayout(layout, strictSink(image), options)
    return work(image)
  })
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece.slice())
  return new Uint8Array(Buffer.concat(all))
}
