/** The numbers of a description that are usually written in hexadecimal: disk ids, partition types, volume ids. */

export const DISK_ID_PATTERN = /^0x[0-9a-fA-F]{1,8}$/
export const MBR_TYPE_PATTERN = /^0x[0-9a-fA-F]{1,2}$/
/** As a number, or the way `blkid` and Windows show it. */
export const VOLUME_ID_PATTERN = /^(?:0x[0-9a-fA-F]{1,8}|[0-9a-fA-F]{4}-[0-9a-fA-F]{4})$/

/** The number behind a text of one of the patterns above. */
export function parseHex(value: number | string): number {
  return typeof value === 'number' ? value : Number.parseInt(value.replace(/^0x|-/g, ''), 16)
}

/** `0x2178694e` */
export function formatDiskId(diskId: number): string {
  return `0x${diskId.toString(16).padStart(8, '0')}`
}

/** `0x0c` */
export function formatByte(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`
}

/** `1234-ABCD` */
export function formatVolumeId(volumeId: number): string {
  const digits = volumeId.toString(16).toUpperCase().padStart(8, '0')
  return `${digits.slice(0, 4)}-${digits.slice(4)}`
}

/** MBR types that hold other partitions (extended), or the whole disk (protective), instead of a file system. */
export function isContainerType(mbrType: number): boolean {
  return [0x05, 0x0f, 0x85, 0xee].includes(mbrType)
}
