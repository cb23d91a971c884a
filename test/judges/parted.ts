import { mustRun } from './run-tool.ts'

/** A partition as parted sees it. Bytes. */
export interface PartedPartition {
  number: number
  start: number
  size: number
}

/** Reads the table of an image with sectors of 512 bytes; the extended partition of an MBR is among the others. */
export async function partedPartitions(
  image: string,
): Promise<{ label: string; partitions: PartedPartition[] }> {
  const { stdout } = await mustRun('parted', ['--machine', '--script', image, 'unit', 'B', 'print'])
  const [, disk, ...lines] = stdout.trim().split('\n')
  const bytes = (text: string) => Number.parseInt(text, 10)
  return {
    label: disk.split(':')[5],
    partitions: lines.map((line) => {
      const [number, start, , size] = line.split(':')
      return { number: bytes(number), start: bytes(start), size: bytes(size) }
    }),
  }
}

/** Reads the table of an image as partx does, which makes partitions known to the kernel. */
export async function partxPartitions(image: string, sectorSize: number): Promise<PartedPartition[]> {
  const { stdout } = await mustRun('partx', [
    ...['--show', '--noheadings', '--output', 'NR,START,SECTORS'],
    ...['--sector-size', String(sectorSize), image],
  ])
  // The unit is 512 bytes, whatever the disk has.
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [number, start, sectors] = line.trim().split(/\s+/).map(Number)
      return { number, start: start * 512, size: sectors * 512 }
    })
}
