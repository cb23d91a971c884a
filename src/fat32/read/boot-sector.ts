/** Reads the boot sector: the type of the FAT and its areas. */
import { CorruptError } from '../../lib/errors.ts'
import { readExactly, type ReadRoutine } from '../../lib/read-routine.ts'
import {
  BOOT_SIGNATURE,
  BootSector,
  BootSector16,
  DirEntry,
  EXT_FLAG_NOT_MIRRORED,
  EXT_FLAGS_ACTIVE_FAT,
  FAT_ENTRY_FORMS,
  FIRST_CLUSTER,
  MAX_CLUSTERS,
  MAX_SECTOR_SIZE,
  MEDIA_FIXED_DISK,
  MEDIA_FLOPPY,
  MIN_CLUSTERS,
  MIN_CLUSTERS_FAT16,
  SECTOR_SIZE,
  type FatType,
} from '../format.ts'
import { rootSectors, type Geometry } from '../geometry.ts'

/** The decoded boot sector of a volume. */
export interface VolumeHead {
  boot: BootSector | BootSector16
  /** `boot` of a FAT32. */
  boot32: BootSector | undefined
  geometry: Geometry
  /** Numbers of the FATs in use, from 0: all, or one when they are not mirrored. */
  activeFats: number[]
}

/** The bytes of a boot sector of any type. */
export function* readBootBytes(): ReadRoutine<Uint8Array> {
  return yield* readExactly(0, BootSector.size, 'FAT boot sector')
}

/**
 * Decodes the boot sector of a volume.
 *
 * @throws CorruptError when it is no boot sector, or a field has an impossible value
 */
export function decodeBootSector(bytes: Uint8Array): VolumeHead {
  const boot = BootSector.decode(bytes)
  const expect = (field: keyof BootSector, sound: boolean, expected: unknown) => {
    if (sound) return
    const found = boot[field]
    throw new CorruptError(`FAT boot sector, ${field}`, BootSector.offsetOf(field), { expected, found })
  }
  expect('signature', boot.signature === BOOT_SIGNATURE, BOOT_SIGNATURE)
  const { bytesPerSector: sectorSize, sectorsPerCluster, reservedSectors, fats, rootEntries, media } = boot
  const isSectorSize = isPowerOfTwo(sectorSize) && sectorSize >= SECTOR_SIZE && sectorSize <= MAX_SECTOR_SIZE
  expect('bytesPerSector', isSectorSize, `a power of two from ${SECTOR_SIZE} to ${MAX_SECTOR_SIZE}`)
  expect('sectorsPerCluster', isPowerOfTwo(sectorsPerCluster), 'a power of two')
  expect('reservedSectors', reservedSectors > 0, 'at least 1')
  expect('fats', fats > 0, 'at least 1')
  const isMedia = media === MEDIA_FLOPPY || media >= MEDIA_FIXED_DISK
  expect('media', isMedia, `${MEDIA_FLOPPY}, or at least ${MEDIA_FIXED_DISK}`)
  // A FAT12 or FAT16 has at least one sector of FAT. With 0 here it is FAT32, even with too few clusters for one: Linux
  // and all tools decide so, and small volumes of FAT32 are common.
  const isFat32 = boot.fatSectors16 === 0
  const fatSectors = isFat32 ? boot.fatSectors : boot.fatSectors16
  expect(isFat32 ? 'fatSectors' : 'fatSectors16', fatSectors > 0, 'at least 1')
  const isRootSize = (rootEntries * DirEntry.size) % sectorSize === 0
  expect('rootEntries', isRootSize && (isFat32 || rootEntries > 0), 'records for whole sectors')

  const totalField = boot.totalSectors16 === 0 ? 'totalSectors' : 'totalSectors16'
  const totalSectors = boot[totalField]
  const before = reservedSectors + fats * fatSectors + rootSectors({ rootEntries, sectorSize })
  const clusters = Math.floor((totalSectors - before) / sectorsPerCluster)
  expect(totalField, clusters > 0, `more than the ${before} sectors before the first cluster`)
  if (isFat32) expect(totalField, clusters <= MAX_CLUSTERS, `at most ${MAX_CLUSTERS} clusters`)
  else expect('fatSectors16', clusters < MIN_CLUSTERS, `0, as it is in FAT32: there are ${clusters} clusters`)
  const type: FatType = isFat32 ? 'fat32' : clusters < MIN_CLUSTERS_FAT16 ? 'fat12' : 'fat16'
  const needed = Math.ceil(((clusters + FIRST_CLUSTER) * FAT_ENTRY_FORMS[type].bits) / 8 / sectorSize)
  const isEnough = fatSectors >= needed
  expect(isFat32 ? 'fatSectors' : 'fatSectors16', isEnough, `at least ${needed} for ${clusters} clusters`)
  const geometry = {
    type,
    sectorSize,
    totalSectors,
    sectorsPerCluster,
    reservedSectors,
    fats,
    fatSectors,
    rootEntries,
    clusters,
  }
  const all = Array.from({ length: fats }, (_, i) => i)
  if (!isFat32) return { boot: BootSector16.decode(bytes), boot32: undefined, geometry, activeFats: all }
  const { rootCluster, extFlags } = boot
  const last = FIRST_CLUSTER + clusters - 1
  expect('rootCluster', isCluster(rootCluster, geometry), `a cluster from ${FIRST_CLUSTER} to ${last}`)
  if ((extFlags & EXT_FLAG_NOT_MIRRORED) === 0) return { boot, boot32: boot, geometry, activeFats: all }
  const active = extFlags & EXT_FLAGS_ACTIVE_FAT
  expect('extFlags', active < fats, `one of ${fats} FATs to be in use`)
  return { boot, boot32: boot, geometry, activeFats: [active] }
}

export function isCluster(cluster: number, { clusters }: Geometry): boolean {
  return cluster >= FIRST_CLUSTER && cluster < FIRST_CLUSTER + clusters
}

const isPowerOfTwo = (value: number) => Number.isInteger(Math.log2(value))
