/** Checks boot loaders outside of file systems: are they whole, and where the boot ROMs read them? */
import { fromBytes, toLatin1 } from '../../lib/byte-string.ts'
import { hexText } from '../../lib/hex.ts'
import type { Finding } from '../../lib/finding.ts'
import type { BootDisk } from '../boot-tree.ts'
import { findBlobs, type FoundBlob } from './find-blobs.ts'

const KIB = 1024
/** Boot loaders lie before the first partition, which begins at 1 MiB or not much further behind. */
const SEARCHED = 1024 * KIB

/** Where the boot ROMs look on SD cards and eMMC; bytes. (U-Boot: doc/board/{allwinner,rockchip,nxp}) */
const PLACES: Record<FoundBlob['kind'], readonly number[]> = {
  rockchip: [32 * KIB],
  allwinner: [8 * KIB, 128 * KIB],
  imx: [KIB, 32 * KIB, 33 * KIB],
}
/** Where Rockchip's first loader looks for the second one: a FIT of U-Boot, or an image of Rockchip's own tools. */
const ROCKCHIP_SECOND = 16384 * 512
const FIT_MAGIC = 'd00dfeed'
const ROCKCHIP_IMAGE = /^(LOADER|BL3X)/

/** Findings about the boot loaders of boards; none when the image has no such loader. */
export async function blobFindings(disk: BootDisk): Promise<Finding[]> {
  const blobs = findBlobs(await disk.read(0, SEARCHED))
  const findings: Finding[] = []
  for (const kind of ['rockchip', 'allwinner', 'imx'] as const) {
    const found = blobs.filter((blob) => blob.kind === kind)
    // Copies, and parts of what is loaded, may lie anywhere.
    const read = found.filter(({ offset }) => PLACES[kind].includes(offset))
    if (found.length === 0) continue
    if (read.length === 0) {
      const [{ name, offset }] = found
      const places = PLACES[kind].map(placeText).join(' or ')
      findings.push({
        severity: 'error',
        where: whereOf(name, offset),
        message: `the boot ROM looks at ${places} only`,
      })
    }
    for (const { name, offset, problem } of read) {
      if (problem !== undefined)
        findings.push({ severity: 'error', where: whereOf(name, offset), message: problem })
    }
    if (kind === 'rockchip' && read.length > 0) findings.push(...(await secondLoaderFindings(disk, read[0])))
  }
  return findings
}

async function secondLoaderFindings(disk: BootDisk, { name, offset }: FoundBlob): Promise<Finding[]> {
  const start = await disk.read(ROCKCHIP_SECOND, 8)
  if (hexText(start.subarray(0, 4)) === FIT_MAGIC || ROCKCHIP_IMAGE.test(toLatin1(fromBytes(start))))
    return []
  const message = "has no U-Boot behind it at 8 MiB, sector 16384, where U-Boot's first loader looks"
  return [{ severity: 'warning', where: whereOf(name, offset), message }]
}

const placeText = (offset: number) => `${offset / KIB} KiB`
const whereOf = (name: string, offset: number) => `${name} at ${placeText(offset)}`
