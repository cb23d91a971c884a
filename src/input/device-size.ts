import type { FileHandle } from 'node:fs/promises'
import { readFile } from 'node:fs/promises'

/** Linux counts the sizes of block devices in these, whatever their sectors are. */
const SYSFS_SECTOR = 512

/**
 * Bytes of a block device, which stat(2) does not give: Linux has a file with the size, elsewhere the end is searched.
 *
 * @param rdev its number, of stat(2)
 */
export async function deviceSize(handle: FileHandle, rdev: number): Promise<number> {
  const [major, minor] = deviceNumbers(rdev)
  const sectors = await readFile(`/sys/dev/block/${major}:${minor}/size`, 'latin1').catch(() => undefined)
  if (sectors !== undefined && /^\d+\s*$/.test(sectors)) return Number(sectors) * SYSFS_SECTOR
  return findEnd((offset) => isReadable(handle, offset))
}

/** (gnu_dev_major and gnu_dev_minor of glibc) */
export function deviceNumbers(rdev: number): [major: number, minor: number] {
  const bits = BigInt(rdev)
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)
  return [Number(major), Number(minor)]
}

/** The first offset at which nothing can be read, given that all before it can. */
export async function findEnd(readable: (offset: number) => Promise<boolean>): Promise<number> {
  let low = 0 // everything before it is readable
  let high = 1
  while (await readable(high - 1)) {
    low = high
    high *= 2
  }
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2) // their sum may be no safe integer
    if (await readable(middle)) low = middle + 1
    else high = middle
  }
  return low
}

async function isReadable(handle: FileHandle, offset: number): Promise<boolean> {
  if (!Number.isSafeInteger(offset)) return false
  const { bytesRead } = await handle.read(new Uint8Array(1), 0, 1, offset)
  return bytesRead > 0
}
