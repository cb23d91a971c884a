/** Lets `btrfs send` and `btrfs receive` of the kernel work on mounted file systems. */
import { newestBtrfs } from './btrfs-programs.ts'
import { mustRun } from './run-tool.ts'

export interface KernelSendOptions {
  protocol?: 1 | 2
  /** Compressed extents as they are. */
  compressed?: boolean
  /** Path of the subvolume that the receiver has. */
  parent?: string
  /** Paths of further subvolumes to clone from. */
  cloneSources?: readonly string[]
}

/** Writes the stream of a read-only subvolume to a file. */
export async function kernelSend(
  subvolume: string,
  stream: string,
  { protocol = 1, compressed = false, parent, cloneSources = [] }: KernelSendOptions = {},
): Promise<void> {
  const from = parent === undefined ? [] : ['-p', parent]
  const clones = cloneSources.flatMap((source) => ['-c', source])
  const form = ['--proto', String(protocol), ...(compressed ? ['--compressed-data'] : [])]
  await mustRun(newestBtrfs()!, ['send', '-q', ...form, ...from, ...clones, '-f', stream, subvolume])
}

/** Makes a subvolume of a stream below a directory. */
export async function kernelReceive(stream: string, directory: string): Promise<void> {
  await mustRun(newestBtrfs()!, ['receive', '-q', '-f', stream, directory])
}

/** The commands of a stream, as btrfs-progs reads them; it does not have to be root for that. */
export async function dumpStream(stream: string): Promise<string[]> {
  const { stdout } = await mustRun(newestBtrfs()!, ['receive', '--dump', '-f', stream])
  return stdout.split('\n').filter((line) => line !== '')
}
