/** Ways to damage a volume: another value in one field of one of its structures. */
import fc from 'fast-check'
import { decodeBootSector } from '../../src/fat32/read/boot-sector.ts'
import {
  BootSector,
  BootSector16,
  DirEntry,
  FAT_ENTRY_FORMS,
  FIRST_CLUSTER,
  FsInfo,
  LongNameEntry,
} from '../../src/fat32/format.ts'
import { fatOffset } from '../../src/fat32/geometry.ts'
import { readFatVolume } from '../../src/fat32/read/reader.ts'
import type { InodeRef } from '../../src/file-tree/reader.ts'
import { memorySource } from '../../src/lib/byte-source.ts'
import { driveSync } from '../../src/lib/read-routine.ts'
import type { Struct } from '../../src/lib/struct.ts'

export interface Mutation {
  /** For messages, and for what is known of some: `BootSector.media`. */
  what: string
  /** What is written, and where. */
  writes: { offset: number; bytes: Uint8Array }[]
}

interface Field {
  what: string
  offset: number
  size: number
}

function fieldsOf<F>(type: Struct<F>, names: (keyof F & string)[], at: number): Field[] {
  return names.map((name, i) => {
    const end = i + 1 < names.length ? type.offsetOf(names[i + 1]) : type.size
    const offset = type.offsetOf(name)
    return { what: `${type.name}.${name}`, offset: at + offset, size: end - offset }
  })
}

const namesOf = <F>(type: Struct<F>) =>
  Object.keys(type.decode(new Uint8Array(type.size))) as (keyof F & string)[]

/** Records of all directories, and the free ones behind them. */
function recordPlaces(bytes: Uint8Array): number[] {
  const source = memorySource(bytes)
  const reader = driveSync(source, readFatVolume())
  const places: number[] = []
  const open: InodeRef[] = [reader.root]
  for (let next = open.pop(); next; next = open.pop()) {
    const list = driveSync(source, reader.list(next))
    for (const entry of list) {
      // Long names lie before, the next record behind.
      for (const near of [-2, -1, 0, 1]) places.push((entry.ino + near) * DirEntry.size)
      if (entry.type === 'directory') open.push(entry)
    }
  }
  return [...new Set(places)].sort((a, b) => a - b)
}

/** Values that mean something, and others. */
const valueOf = (size: number, clusters: number) =>
  fc.oneof(
    fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 8, 16, clusters, clusters + 1, clusters + 2, 2 ** (8 * size) - 1),
    fc.integer({ min: 0, max: Math.min(2 ** (8 * size), 2 ** 32) - 1 }),
  )

function littleEndian(value: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let rest = value
  for (let i = 0; i < size; i++) {
    bytes[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return bytes
}

/** @param volume a sound one */
export function mutationsOf(volume: Uint8Array): fc.Arbitrary<Mutation> {
  const { geometry, boot32 } = decodeBootSector(volume)
  const { clusters, sectorSize } = geometry
  const inField = ({ what, offset, size }: Field): fc.Arbitrary<Mutation> => {
    const one = fc
      .record({ at: fc.nat(size - 1), value: fc.nat(255) })
      .map(({ at, value }) => ({ what, writes: [{ offset: offset + at, bytes: Uint8Array.of(value) }] }))
    if (size > 4) return one
    return valueOf(size, clusters).map((value) => ({
      what,
      writes: [{ offset, bytes: littleEndian(value, size) }],
    }))
  }
  const anyField = (fields: Field[]) => fc.constantFrom(...fields).chain(inField)

  const boot =
    boot32 === undefined
      ? fieldsOf(BootSector16, namesOf(BootSector16), 0)
      : fieldsOf(BootSector, namesOf(BootSector), 0)
  const records = recordPlaces(volume).flatMap((at) => [
    ...fieldsOf(DirEntry, namesOf(DirEntry), at),
    ...(DirEntry.decode(volume, at).attributes === 0x0f
      ? fieldsOf(LongNameEntry, namesOf(LongNameEntry), at)
      : []),
  ])
  const kinds = [
    { weight: 2, arbitrary: anyField(boot) },
    { weight: 4, arbitrary: anyField(records) },
    { weight: 4, arbitrary: fatMutations(volume) },
  ]
  if (boot32 !== undefined) {
    const info = fieldsOf(FsInfo, namesOf(FsInfo), boot32.fsInfoSector * sectorSize)
    const copy = fieldsOf(BootSector, namesOf(BootSector), boot32.backupBootSector * sectorSize)
    kinds.push({ weight: 1, arbitrary: anyField(info) }, { weight: 1, arbitrary: anyField(copy) })
  }
  return fc.oneof(...kinds)
}

/** Another value for a cluster, in the first FAT, in the second or in both. */
function fatMutations(volume: Uint8Array): fc.Arbitrary<Mutation> {
  const { geometry } = decodeBootSector(volume)
  const { clusters, type } = geometry
  const { bits, bad, endMin, mask } = FAT_ENTRY_FORMS[type]
  const used = Math.min(clusters, 200)
  const cluster = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: used }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: clusters + FIRST_CLUSTER - 1 }) },
  )
  const value = fc.oneof(
    fc.constantFrom(0, 1, bad, bad - 1, endMin, mask, clusters + 1, clusters + 2),
    fc.integer({ min: 0, max: used }),
    fc.integer({ min: 0, max: mask }),
  )
  return fc
    .record({ cluster, value, copies: fc.constantFrom([0], [1], [0, 1], [0, 1]) })
    .map(({ cluster, value, copies }) => ({
      what: `FAT entry ${cluster < FIRST_CLUSTER ? cluster : 'of a cluster'}`,
      writes: copies.map((copy) => {
        const offset = fatOffset(geometry, copy) + Math.floor((cluster * bits) / 8)
        if (bits !== 12) {
          const stored = bits === 32 ? value + (volume[offset + 3] & 0xf0) * 2 ** 24 : value
          return { offset, bytes: littleEndian(stored, bits / 8) }
        }
        const old = volume[offset] + volume[offset + 1] * 256
        const packed = cluster % 2 === 0 ? (old & 0xf000) | value : (old & 0x000f) | (value << 4)
        return { offset, bytes: littleEndian(packed, 2) }
      }),
    }))
}
