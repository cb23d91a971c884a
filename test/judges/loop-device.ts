import type { Partition } from './partition.ts'
import { mustRun, runTool } from './run-tool.ts'

/** Attaches a partition of an image to a loop device. There may be no udev and no partition parser. */
export async function attachLoop(
  image: string,
  { start, size }: Partition,
  { readonly = false, sectorSize = 512 } = {},
): Promise<string> {
  const args = ['--find', '--show', '--offset', String(start), '--sizelimit', String(size)]
  if (readonly) args.push('--read-only')
  if (sectorSize !== 512) args.push('--sector-size', String(sectorSize))
  const { stdout } = await mustRun('losetup', [...args, image])
  return stdout.trim()
}

export async function detachLoop(device: string): Promise<void> {
  // The kernel remembers every BTRFS device it has seen; the next image on this loop device is another one.
  await runTool('btrfs', ['device', 'scan', '--forget', device])
  await mustRun('losetup', ['--detach', device])
}
