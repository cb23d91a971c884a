import { mkdtempSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { kernelComplaints, kernelLogEnd } from './kernel-log.ts'
import { attachLoop, detachLoop } from './loop-device.ts'
import type { Partition } from './partition.ts'
import { mustRun, runTool } from './run-tool.ts'

/** Mounts a BTRFS device below `folder` for one piece of work. */
export async function withMount<T>(
  device: string,
  options: string,
  folder: string,
  work: (mountPoint: string) => Promise<T>,
): Promise<T> {
  const mountPoint = mkdtempSync(join(folder, 'mount-'))
  try {
    await mustRun('mount', ['-t', 'btrfs', '-o', options, device, mountPoint])
    try {
      return await work(mountPoint)
    } finally {
      await unmount(mountPoint)
    }
  } finally {
    removeIfEmpty(mountPoint)
  }
}

/** Removes a folder unless it is in use. */
export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Something is still mounted there, which another error reports.
  }
}

export async function unmount(mountPoint: string): Promise<void> {
  await runWhenFree('umount', [mountPoint])
}

/** Runs a tool, again while its mount or device is busy: monitors and shells may hold it for a moment. */
export async function runWhenFree(command: string, args: readonly string[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { code, stderr } = await runTool(command, args)
    if (code === 0) return
    if (attempt === 100) throw new Error(`${[command, ...args].join(' ')}: ${stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 20 * attempt))
  }
}

/** Runs `work` with a loop device, and fails when the kernel complained of it meanwhile. */
export async function withLoop(
  image: string,
  partition: Partition,
  readonly: boolean,
  work: (device: string) => Promise<void>,
): Promise<void> {
  const logEnd = await kernelLogEnd()
  const device = await attachLoop(image, partition, { readonly })
  let complaints: string[] = []
  try {
    try {
      await work(device)
    } finally {
      complaints = await kernelComplaints(logEnd, device)
    }
  } catch (error) {
    if (complaints.length === 0) throw error
    throw new Error(`${(error as Error).message}\nThe kernel says:\n${complaints.join('\n')}`, {
      cause: error,
    })
  } finally {
    await detachLoop(device)
  }
  if (complaints.length > 0) throw new Error(`the kernel complains:\n${complaints.join('\n')}`)
}

/** Whether the kernel lets nobody write to a subvolume. */
export async function isReadOnly(subvolume: string): Promise<boolean> {
  const { stdout } = await mustRun('btrfs', ['property', 'get', '-ts', subvolume, 'ro'])
  return stdout.trim() === 'ro=true'
}
