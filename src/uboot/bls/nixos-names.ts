/**
 * The files of entries as NixOS' systemd-boot-builder writes them: until 26.05 named by generation, and since then by the
 * SHA-256 of their text, which has another order of keys.
 */
import { fromBytes, fromText, toBytes, toLatin1, type ByteString } from '../../lib/byte-string.ts'
import { loadHash } from '../../lib/load-hash.ts'
import { osRelease } from '../linux-kernels.ts'
import type { SystemTree } from '../system-tree.ts'
import { formatBlsEntry, type BlsEntry } from './entry.ts'

export type EntryNames = 'generation' | 'hash'

/** NixOS that names entries by hashes. */
const FIRST_WITH_HASHES = [26, 11]

/** Whether the builder of a system names entries by their hashes. */
export async function namesByHash(tree: SystemTree, toplevel: ByteString): Promise<boolean> {
  const file = tree.find(`${toplevel}/etc/os-release`)
  if (file?.type !== 'file') return false
  const release = osRelease(toLatin1(fromBytes(await tree.read(file, 65536))))
  const version = /^(\d+)\.(\d+)/.exec(release.get('VERSION_ID') ?? '')
  if (version === null) return false
  const [year, month] = [Number(version[1]), Number(version[2])]
  return year > FIRST_WITH_HASHES[0] || (year === FIRST_WITH_HASHES[0] && month >= FIRST_WITH_HASHES[1])
}

/**
 * The text of an entry, and the name of its file without counter and suffix.
 *
 * @param stem the name by generation
 */
export async function nixosEntryText(
  entry: BlsEntry,
  names: EntryNames,
  stem: string,
): Promise<{ stem: string; text: string }> {
  if (names === 'generation') return { stem, text: formatBlsEntry(entry) }
  const { title, version, linux, initrds = [], options, machineId, devicetree, sortKey } = entry
  const line = (key: string, value: string | undefined) => (value === undefined ? [] : [`${key} ${value}`])
  const text = [
    ...line('title', title),
    ...line('version', version),
    ...line('linux', linux),
    ...initrds.flatMap((initrd) => line('initrd', initrd)),
    ...line('options', options),
    ...line('machine-id', machineId),
    ...line('devicetree', devicetree),
    ...line('sort-key', sortKey),
  ].join('\n')
  const bytes = toBytes(fromText(text))
  const sha256 = await loadHash('sha256')
  const digest = new Uint8Array(sha256.size)
  sha256.hashBlocks(bytes, bytes.length, digest)
  const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return { stem: `nixos-${hash}`, text }
}
