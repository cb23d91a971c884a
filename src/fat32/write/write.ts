import { toBytes } from '../../lib/byte-string.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import { viewOf } from '../../lib/struct.ts'
import { encodeDirectory, labelBytes } from './directory.ts'
import {
  BOOT_SIGNATURE,
  BootSector,
  EXTENDED_BOOT_SIGNATURE,
  FAT_END,
  FAT_MASK,
  FatEntry,
  FIRST_CLUSTER,
  FSINFO_LEAD_SIGNATURE,
  FSINFO_STRUCT_SIGNATURE,
  FSINFO_TRAIL_SIGNATURE,
  FsInfo,
  MEDIA_FIXED_DISK,
  SECTOR_SIZE,
  UNKNOWN_COUNT,
} from '../format.ts'
import { clusterOffset, fatOffset } from '../geometry.ts'
import type { Fat32Layout } from './plan.ts'
import type { ClusterRun, PlannedFile } from './plan-tree.ts'

const FSINFO_SECTOR = 1
const BACKUP_BOOT_SECTOR = 6
/** Bytes of a FAT that are encoded and written at once. */
const FAT_PIECE = 65536

export interface WriteLayoutOptions {
  /** Called with the number of bytes after each piece of file content. */
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Writes a planned volume, front to back. Free clusters are not written.
 *
 * @param sink its offset 0 is the start of the partition
 * @throws InputError when the content of a file is longer or shorter than declared
 */
export async function writeLayout(
  layout: Fat32Layout,
  sink: ImageSink,
  { onBytes, signal }: WriteLayoutOptions = {},
): Promise<void> {
  const { geometry, directories, files } = layout
  const bootSectors = encodeBootSectors(layout)
  await sink.write(0, bootSectors)
  await sink.write(BACKUP_BOOT_SECTOR * SECTOR_SIZE, bootSectors)
  for (let copy = 0; copy < geometry.fats; copy++) {
    let offset = fatOffset(geometry, copy)
    for (const piece of fatPieces(layout)) {
      await sink.write(offset, piece)
      offset += piece.length
    }
  }
  for (const directory of directories) {
    signal?.throwIfAborted()
    const records = encodeDirectory(directory, layout)
    if (records.length > 0) await sink.write(clusterOffset(geometry, directory.run.first), records)
  }
  for (const file of files) {
    await writeContent(file, clusterOffset(geometry, file.run.first), sink, { onBytes, signal })
  }
}

async function writeContent(
  { content }: PlannedFile,
  start: number,
  sink: ImageSink,
  { onBytes, signal }: WriteLayoutOptions,
): Promise<void> {
  let done = 0
  signal?.throwIfAborted()
  for await (const piece of content.open()) {
    signal?.throwIfAborted()
    if (piece.length === 0) continue
    await sink.write(start + done, piece)
    done += piece.length
    onBytes?.(piece.length)
  }
}

/** The boot sector and FSInfo, which are stored in sectors 0 and 1 and again from sector 6 on. */
export function encodeBootSectors({
  geometry,
  hiddenSectors,
  label,
  volumeId,
  nextFree,
}: Fat32Layout): Uint8Array {
  const boot = BootSector.encode({
    jump: Uint8Array.of(0xeb, BootSector.offsetOf('bootCode') - 2, 0x90),
    // Recommended by FATGEN, as some drivers check it.
    oemName: toBytes('MSWIN4.1'),
    bytesPerSector: SECTOR_SIZE,
    sectorsPerCluster: geometry.sectorsPerCluster,
    reservedSectors: geometry.reservedSectors,
    fats: geometry.fats,
    rootEntries: 0,
    totalSectors16: 0,
    media: MEDIA_FIXED_DISK,
    fatSectors16: 0,
    // The geometry of the CHS addresses in the partition table.
    sectorsPerTrack: 63,
    heads: 255,
    hiddenSectors,
    totalSectors: geometry.totalSectors,
    fatSectors: geometry.fatSectors,
    extFlags: 0,
    version: 0,
    rootCluster: FIRST_CLUSTER,
    fsInfoSector: FSINFO_SECTOR,
    backupBootSector: BACKUP_BOOT_SECTOR,
    reserved: new Uint8Array(0),
    driveNumber: 0x80,
    reserved1: 0,
    bootSignature: EXTENDED_BOOT_SIGNATURE,
    volumeId,
    label: labelBytes(label),
    fileSystemType: toBytes('FAT32   '),
    // int 0x18 tells the BIOS that there is nothing to boot; then halt forever.
    bootCode: Uint8Array.of(0xcd, 0x18, 0xf4, 0xeb, 0xfd),
    signature: BOOT_SIGNATURE,
  })
  const freeClusters = FIRST_CLUSTER + geometry.clusters - nextFree
  const info = FsInfo.encode({
    leadSignature: FSINFO_LEAD_SIGNATURE,
    reserved1: new Uint8Array(0),
    structSignature: FSINFO_STRUCT_SIGNATURE,
    freeClusters,
    nextFree: freeClusters === 0 ? UNKNOWN_COUNT : nextFree,
    reserved2: new Uint8Array(0),
    trailSignature: FSINFO_TRAIL_SIGNATURE,
  })
  const out = new Uint8Array((FSINFO_SECTOR + 1) * SECTOR_SIZE)
  out.set(boot)
  out.set(info, FSINFO_SECTOR * SECTOR_SIZE)
  return out
}

/** The used part of a FAT. A piece is valid until the next one is requested. */
function* fatPieces({ directories, files, nextFree }: Fat32Layout): Iterable<Uint8Array> {
  const piece = new Uint8Array(Math.min(FAT_PIECE, nextFree * FatEntry.size))
  const view = viewOf(piece)
  let at = 0
  for (const entry of fatEntries([...directories, ...files].map(({ run }) => run))) {
    FatEntry.at.value.set(view, at, entry)
    at += FatEntry.size
    if (at === piece.length) {
      yield piece
      at = 0
    }
  }
  if (at > 0) yield piece.subarray(0, at)
}

/** The entries of the FAT in order. The runs follow each other from the first cluster on. */
function* fatEntries(runs: readonly ClusterRun[]): Iterable<number> {
  // Media byte; then "cleanly unmounted, without errors".
  yield (FAT_MASK & ~0xff) | MEDIA_FIXED_DISK
  yield FAT_END
  for (const { first, count } of runs) {
    for (let cluster = first + 1; cluster < first + count; cluster++) yield cluster
    if (count > 0) yield FAT_END
  }
}
