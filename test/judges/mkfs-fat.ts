import { writeFileSync } from 'node:fs'
import { mustRun, type ToolOptions } from './run-tool.ts'

/** A volume as mkfs.fat makes it. Sizes in bytes. */
export interface FatShape {
  bits: 12 | 16 | 32
  sectorSize: number
  clusterSize: number
  size: number
  label?: string
}

/** @param image a file that may be there already */
export async function makeFat(
  image: string,
  { bits, sectorSize, clusterSize, size, label }: FatShape,
): Promise<void> {
  writeFileSync(image, '')
  await mustRun('truncate', ['-s', String(size), image])
  await mustRun('mkfs.fat', [
    ...['-F', String(bits), '-S', String(sectorSize), '-s', String(clusterSize / sectorSize)],
    ...['-i', '12345678'],
    ...(label === undefined ? [] : ['-n', label]),
    image,
  ])
}

/** Some names make mtools hang: none of them may run for long. Sectors of 4096 bytes fail its sanity checks. */
const OPTIONS: ToolOptions = { env: { MTOOLSRC: '/dev/null', MTOOLS_SKIP_CHECK: '1' } }

/** Runs one of the mtools on an image. */
export async function mtool(image: string, tool: string, ...args: string[]): Promise<string> {
  return (await mustRun(tool, ['-i', image, ...args], OPTIONS)).stdout
}

/** Writes a file, whose folder must be there. */
export async function mtoolsPut(image: string, path: string, content: Uint8Array | string): Promise<void> {
  await mustRun('mcopy', ['-i', image, '-o', '-', `::${path}`], { ...OPTIONS, input: content })
}
