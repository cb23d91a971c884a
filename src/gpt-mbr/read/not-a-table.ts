/** Recognizes file systems that take a whole disk, and whose first sector ends like an MBR. */
import { fromBytes, toLatin1 } from '../../lib/byte-string.ts'
import { BiosParameterBlock, MEDIA_FLOPPY, MEDIA_MIN } from '../format.ts'

const OTHER_FILE_SYSTEMS = new Set(['NTFS    ', 'EXFAT   '])

/**
 * True when a first sector is the boot sector of a FAT, exFAT or NTFS file system. (Linux makes the same check before
 * it reads an MBR: fat_valid_media)
 *
 * @param sector at least 512 bytes
 */
export function isBootSector(sector: Uint8Array): boolean {
  const { oemName, ...bpb } = BiosParameterBlock.decode(sector)
  if (OTHER_FILE_SYSTEMS.has(toLatin1(fromBytes(oemName)))) return true
  return (
    isPowerOfTwo(bpb.bytesPerSector, 512, 4096) &&
    isPowerOfTwo(bpb.sectorsPerCluster, 1, 128) &&
    bpb.reservedSectors > 0 &&
    bpb.fats > 0 &&
    (bpb.media === MEDIA_FLOPPY || bpb.media >= MEDIA_MIN)
  )
}

function isPowerOfTwo(value: number, min: number, max: number): boolean {
  return value >= min && value <= max && Number.isInteger(Math.log2(value))
}
