import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attachLoop, detachLoop } from './loop-device.ts'
import { findTool, mustRun } from './run-tool.ts'

/** Position of a partition in an image, in bytes. */
export interface Partition {
  start: number
  size: number
}

/** Copies a partition out of an image into a file of its own, sparse where it holds zeros. */
export async function extractPartition(
  image: string,
  { start, size }: Partition,
  target: string,
): Promise<void> {
  await mustRun('dd', [
    `if=${image}`,
    `of=${target}`,
    'bs=1M',
    'conv=sparse',
    'iflag=skip_bytes,count_bytes,fullblock',
    `skip=${start}`,
    `count=${size}`,
    'status=none',
  ])
  // A hole at the end is skipped, not written; a partition that the image does not hold whole stays too short.
  const present = Math.min(size, Math.max(0, statSync(image).size - start))
  await mustRun('truncate', ['-s', String(present), target])
  if (present !== size) {
    throw new Error(`${image}: the partition ends at ${start + size}, the image at ${start + present}`)
  }
}

/**
 * Gives `work` a file or device that is the partition and nothing else: the image itself, a read-only loop device,
 * or, without root, a copy.
 */
export async function withReadOnlyPartition<T>(
  image: string,
  partition: Partition,
  work: (target: string) => Promise<T>,
): Promise<T> {
  if (isWholeFile(image, partition)) return work(image)
  if (process.getuid?.() === 0 && findTool('losetup') !== undefined) {
    const device = await attachLoop(image, partition, { readonly: true })
    try {
      return await work(device)
    } finally {
      await detachLoop(device)
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'partition-'))
  try {
    const copy = join(folder, 'partition')
    await extractPartition(image, partition, copy)
    return await work(copy)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function isWholeFile(image: string, { start, size }: Partition): boolean {
  return start === 0 && size === statSync(image).size
}
