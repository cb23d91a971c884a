import { MAGIC, SUPERBLOCK_OFFSETS, SUPERBLOCK_SIZE, Superblock } from '../../btrfs/format.ts'
import { openBtrfs, type BtrfsReader } from '../../btrfs/read/open.ts'
import { checksumName } from '../../btrfs/read/superblock.ts'
import type { ByteSource } from '../../lib/byte-source.ts'
import { fromBytes, toDisplay } from '../../lib/byte-string.ts'
import type { OnFinding } from '../../lib/finding.ts'
import { hexText, uuidText } from '../../lib/hex.ts'
import { loadHash } from '../../lib/load-hash.ts'
import { observeSource } from '../../lib/observe-source.ts'
import { drive, type ReadRoutine } from '../../lib/read-routine.ts'
import { viewOf } from '../../lib/struct.ts'
import { loadZstd } from '../../lib/zstd/codec.ts'
import { threadedChecker } from './open-checker.ts'
import type { CheckOptions, FileSystemDriver, Identity, OpenedFileSystem, UsageOptions } from './driver.ts'

export const btrfsDriver: FileSystemDriver<'btrfs'> = {
  name: 'btrfs',
  title: 'BTRFS',
  types: ['btrfs'],
  linux: { magic: 0x9123683e, name: 'btrfs' },
  identify: () => identifyAt(SUPERBLOCK_OFFSETS[0]),
  *identifyCopy(size) {
    for (const offset of SUPERBLOCK_OFFSETS.slice(1)) {
      const found = offset + SUPERBLOCK_SIZE <= size ? yield* identifyAt(offset) : undefined
      if (found !== undefined) return found
    }
    return undefined
  },
  open,
  async check(source: ByteSource, { workers, onFinding, quick, onProgress, signal }: CheckOptions) {
    const { checkBtrfsWith } = await import('../../btrfs/check/check.ts')
    const zstd = await loadZstd()
    const options = { loadHash, zstd, onFinding, quick, onProgress, ...(signal && { signal }) }
    await checkBtrfsWith(source, options, workers > 0 ? threadedChecker(workers) : undefined)
  },
}

function* identifyAt(offset: number): ReadRoutine<Identity<'btrfs'> | undefined> {
  const bytes = yield { offset, length: SUPERBLOCK_SIZE }
  if (bytes.length < SUPERBLOCK_SIZE) return undefined
  const view = viewOf(bytes)
  if (Superblock.at.magic.get(view, 0) !== MAGIC) return undefined
  const label = fromBytes(Superblock.at.label.get(view, 0))
  return {
    type: 'btrfs',
    label: toDisplay(label.replace(/\0.*/s, '')),
    uuid: uuidText(Superblock.at.fsid.get(view, 0)),
  }
}

async function open(source: ByteSource, onFinding: OnFinding): Promise<OpenedFileSystem<'btrfs'>> {
  const reader = await openBtrfs(source, { loadHash, zstd: await loadZstd(), onFinding })
  reader.notices.forEach(onFinding)
  return {
    type: 'btrfs',
    label: toDisplay(reader.label),
    uuid: uuidText(reader.superblock.fsid),
    reader,
    subvolumes: () => reader.subvolumes(),
    facts: () => factsOf(reader),
    usage: (options) => usage(reader, source, options),
    async send(options) {
      const { openSend } = await import('../../btrfs/send/write/open-send.ts')
      return drive(source, openSend(reader, options))
    },
    async bootView() {
      const { btrfsBootView } = await import('./btrfs-boot-view.ts')
      return drive(source, btrfsBootView(reader))
    },
  }
}

async function usage(reader: BtrfsReader, source: ByteSource, { onFinding, onStep, signal }: UsageOptions) {
  const { btrfsUsage } = await import('../../btrfs/usage/usage.ts')
  const hash = await loadHash(checksumName(reader.superblock))
  return drive(
    observeSource(source, { signal }),
    btrfsUsage(reader, { hash, deviceSize: source.size, onFinding, onStep }),
  )
}

/** By the names that the superblock's fields have. */
function* factsOf(reader: BtrfsReader): ReadRoutine<Record<string, string>> {
  const { sectorsize, nodesize, csumType, incompatFlags, compatRoFlags, totalBytes } = reader.superblock
  const subvolumes = yield* reader.subvolumes()
  const pathsByUuid = new Map(subvolumes.map(({ uuid, path }) => [hexText(uuid), `/${toDisplay(path)}`]))
  const facts: Record<string, string> = {
    'file system size': String(totalBytes),
    sectorsize: String(sectorsize),
    nodesize: String(nodesize),
    csum_type: String(csumType),
    incompat_flags: `0x${incompatFlags.toString(16)}`,
    compat_ro_flags: `0x${compatRoFlags.toString(16)}`,
    'default subvolume': String(yield* reader.defaultSubvolume()),
  }
  for (const { path, id, uuid, readOnly, isSnapshot, parentUuid } of subvolumes) {
    const words = [`id ${id}`, hexText(uuid)]
    if (readOnly) words.push('read-only')
    if (isSnapshot) words.push(`snapshot of ${pathsByUuid.get(hexText(parentUuid)) ?? 'a deleted subvolume'}`)
    facts[`subvolume /${toDisplay(path)}`] = words.join(', ')
  }
  return facts
}
