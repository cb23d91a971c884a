/** Installs the system of a closure that is in a partition. */
import type { BtrfsWriter } from '../btrfs/write/writer.ts'
import type { Timestamp } from '../file-tree/entry.ts'
import { toDisplay } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import { fileEntry, fileNode } from './boot-files.ts'
import type { ReadFile } from './host.ts'
import { systemdBootOptions } from './linux-system.ts'
import type { NixosPlan } from '../spec/plan/plan.ts'
import type { BootFile } from '../uboot/boot-file.ts'
import { nixosEntries } from '../uboot/bls/nixos-entries.ts'
import { bootFiles, findToplevel } from '../uboot/generations.ts'
import { registrationIn, systemEntries } from '../uboot/nixos-tree.ts'

const ORIGIN = { source: 'nixos' }
const REGISTRATION = 'nix-path-registration'

type Writer = Pick<BtrfsWriter, 'add' | 'collected'>

/**
 * Adds the files that an installed system has besides its closure, after all sources.
 *
 * @param time of the added files
 * @returns its boot files, which the caller puts into their place
 * @throws InputError when the system is not in the closure, or lacks a file that it needs to boot
 */
export async function installNixos(
  writer: Writer,
  plan: NixosPlan,
  time: Timestamp,
  readFile: ReadFile,
): Promise<BootFile[]> {
  const { collected } = writer
  const toplevel = plan.toplevel ?? findToplevel(collected)
  if (collected.find(toplevel)?.path !== toplevel) {
    throw new InputError('the system is not in the sources', { ...ORIGIN, entry: toDisplay(`/${toplevel}`) })
  }
  for (const entry of systemEntries(collected, toplevel, time)) await writer.add(entry, '')
  await addRegistration(writer, plan, time, readFile)
  if (plan.loader === 'systemd-boot') {
    const options = await systemdBootOptions(plan, readFile)
    return nixosEntries(collected, { ...options, toplevel, generations: plan.generations, builtAt: time.sec })
  }
  const { timeout, generations, deviceTree, cmdline } = plan
  return bootFiles(collected, { toplevel, timeout, generations, deviceTree, cmdline })
}

async function addRegistration(
  writer: Writer,
  { registration }: NixosPlan,
  time: Timestamp,
  readFile: ReadFile,
): Promise<void> {
  if (registration !== undefined) {
    await writer.add(fileEntry(REGISTRATION, await readFile(registration), time), '')
    return
  }
  const inStore = registrationIn(writer.collected)
  if (inStore === undefined) return
  const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: time }
  await writer.collected.copy(fileNode(inStore), REGISTRATION, metadata, ORIGIN)
}
