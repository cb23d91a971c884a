/** Encodes the sectors before the FATs. */
import { toBytes } from '../../lib/byte-string.ts'
import {
  BOOT_SIGNATURE,
  BootSector,
  BootSector16,
  EXTENDED_BOOT_SIGNATURE,
  FIRST_CLUSTER,
  FSINFO_LEAD_SIGNATURE,
  FSINFO_STRUCT_SIGNATURE,
  FSINFO_TRAIL_SIGNATURE,
  FsInfo,
  UNKNOWN_COUNT,
} from '../format.ts'
import { FAT_TITLES } from '../plan-geometry.ts'
import { labelBytes } from './directory.ts'
import type { FatLayout } from './plan.ts'

const FSINFO_SECTOR = 1
const BACKUP_BOOT_SECTOR = 6

/** The bytes of the sectors that are not zero, by their number: the boot sector; in FAT32 FSInfo, and copies of both. */
export function* bootSectors(layout: FatLayout): Iterable<[sector: number, bytes: Uint8Array]> {
  if (layout.geometry.type !== 'fat32') {
    yield [0, encodeBootSector16(layout)]
    return
  }
  const boot = encodeBootSector(layout)
  const info = encodeFsInfo(layout)
  for (const first of [0, BACKUP_BOOT_SECTOR]) {
    yield [first, boot]
    yield [first + FSINFO_SECTOR, info]
  }
}

function encodeBootSector(layout: FatLayout): Uint8Array {
  return BootSector.encode({
    ...common(layout, BootSector.offsetOf('bootCode')),
    fatSectors: layout.geometry.fatSectors,
    extFlags: 0,
    version: 0,
    rootCluster: FIRST_CLUSTER,
    fsInfoSector: FSINFO_SECTOR,
    backupBootSector: BACKUP_BOOT_SECTOR,
    reserved: new Uint8Array(0),
  })
}

function encodeBootSector16(layout: FatLayout): Uint8Array {
  return BootSector16.encode(common(layout, BootSector16.offsetOf('bootCode')))
}

/** The fields that all types have in common, wherever they lie. */
function common({ geometry, boot, label, volumeId }: FatLayout, codeOffset: number) {
  const { type, fatSectors, totalSectors } = geometry
  const isOld = type !== 'fat32'
  const isShort = isOld && totalSectors <= 0xffff
  return {
    jump: Uint8Array.of(0xeb, codeOffset - 2, 0x90),
    oemName: toBytes(boot.oemName.padEnd(8)),
    bytesPerSector: geometry.sectorSize,
    sectorsPerCluster: geometry.sectorsPerCluster,
    reservedSectors: geometry.reservedSectors,
    fats: geometry.fats,
    rootEntries: geometry.rootEntries,
    totalSectors16: isShort ? totalSectors : 0,
    media: boot.media,
    fatSectors16: isOld ? fatSectors : 0,
    sectorsPerTrack: boot.sectorsPerTrack,
    heads: boot.heads,
    hiddenSectors: boot.hiddenSectors,
    totalSectors: isShort ? 0 : totalSectors,
    driveNumber: boot.driveNumber,
    reserved1: 0,
    bootSignature: EXTENDED_BOOT_SIGNATURE,
    volumeId,
    label: labelBytes(label),
    fileSystemType: toBytes(FAT_TITLES[type].padEnd(8)),
    // int 0x18 tells the BIOS that there is nothing to boot; then halt forever.
    bootCode: Uint8Array.of(0xcd, 0x18, 0xf4, 0xeb, 0xfd),
    signature: BOOT_SIGNATURE,
  }
}

function encodeFsInfo({ geometry, nextFree }: FatLayout): Uint8Array {
  const freeClusters = FIRST_CLUSTER + geometry.clusters - nextFree
  return FsInfo.encode({
    leadSignature: FSINFO_LEAD_SIGNATURE,
    reserved1: new Uint8Array(0),
    structSignature: FSINFO_STRUCT_SIGNATURE,
    freeClusters,
    nextFree: freeClusters === 0 ? UNKNOWN_COUNT : nextFree,
    reserved2: new Uint8Array(0),
    trailSignature: FSINFO_TRAIL_SIGNATURE,
  })
}
