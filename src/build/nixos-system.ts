/** Installs the system of a closure that is in a partition. */
import type { BtrfsWriter } from '../btrfs/write/writer.ts'
import type { SourceEntry, Timestamp } from '../file-tree/entry.ts'
import type { FoundNode } from '../file-tree/tree-view.ts'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import { readWholeFile } from '../sources/file.ts'
import type { NixosPlan } from '../spec/plan.ts'
import { bootFiles, findToplevel, type BootFile } from '../uboot/generations.ts'
import { registrationIn, systemEntries } from '../uboot/nixos-tree.ts'

const ORIGIN = { source: 'nixos' }
const REGISTRATION = 'nix-path-registration'
/** The directory of the boot files of a system on BTRFS. */
const BOOT = 'boot'

type Writer = Pick<BtrfsWriter, 'add' | 'collected'>

/** A system that was installed from a closure. */
export interface NixosSystem {
  toplevel: ByteString
  bootFiles: BootFile[]
}

/**
 * Adds the files that an installed system has besides its closure, after all sources.
 *
 * @param time of the added files
 * @returns its boot files, which the caller puts in their place
 * @throws InputError when the system is not in the closure, or lacks a file that it needs to boot
 */
export async function installSystem(writer: Writer, plan: NixosPlan, time: Timestamp): Promise<NixosSystem> {
  const { collected } = writer
  const toplevel = plan.toplevel ?? findToplevel(collected)
  if (collected.find(toplevel)?.path !== toplevel) {
    throw new InputError('the system is not in the sources', { ...ORIGIN, entry: toDisplay(`/${toplevel}`) })
  }
  for (const entry of systemEntries(collected, toplevel, time)) await writer.add(entry, '')
  await addRegistration(writer, plan, time)
  const { timeout, generations, deviceTree } = plan
  return { toplevel, bootFiles: await bootFiles(collected, { toplevel, timeout, generations, deviceTree }) }
}

async function addRegistration(writer: Writer, { registration }: NixosPlan, time: Timestamp): Promise<void> {
  if (registration !== undefined) {
    await writer.add(fileEntry(REGISTRATION, await readWholeFile(registration), time), '')
    return
  }
  const inStore = registrationIn(writer.collected)
  if (inStore === undefined) return
  const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: time }
  await writer.collected.copy(fileNode(inStore), REGISTRATION, metadata, ORIGIN)
}

/** Puts the boot files into /boot of their system. */
export async function addBootFiles(
  writer: Writer,
  files: readonly BootFile[],
  time: Timestamp,
): Promise<void> {
  const { collected } = writer
  for (const file of files) {
    const path = `${BOOT}/${file.path}`
    if ('content' in file) {
      await writer.add(fileEntry(path, file.content, time), '')
      continue
    }
    const from = fileNode(file.from)
    const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: collected.mtime(from) }
    await collected.copy(from, path, metadata, ORIGIN)
  }
}

/** The boot files as entries for another partition; their content is read back from where the system lies. */
export function* bootFileEntries(
  { collected }: Pick<BtrfsWriter, 'collected'>,
  files: readonly BootFile[],
  time: Timestamp,
): Generator<SourceEntry> {
  for (const file of files) {
    if ('content' in file) {
      yield fileEntry(file.path, file.content, time)
      continue
    }
    const from = fileNode(file.from)
    yield {
      ...{ path: file.path, type: 'file', mode: 0o644, uid: 0, gid: 0, origin: ORIGIN },
      mtime: collected.mtime(from),
      size: collected.content(from).size,
      content: { [Symbol.asyncIterator]: () => collected.content(from).content[Symbol.asyncIterator]() },
      repeatable: true,
    }
  }
}

function fileNode(path: ByteString): FoundNode {
  return { path, type: 'file' }
}

/** A file of the image that is in memory. */
export function fileEntry(path: ByteString, bytes: Uint8Array, mtime: Timestamp): SourceEntry {
  // eslint-disable-next-line @typescript-eslint/require-await
  const pieces = async function* () {
    if (bytes.length > 0) yield bytes
  }
  return {
    ...{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime, origin: ORIGIN, size: bytes.length },
    content: { [Symbol.asyncIterator]: pieces },
    repeatable: true,
  }
}
