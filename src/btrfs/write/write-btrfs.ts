/** Writes one BTRFS file system of entries, with the options of an image description. */
import type { Entry } from '../../file-tree/entry.ts'
import { abortableEntries } from '../../file-tree/abortable-entries.ts'
import { sourceEntries } from '../../file-tree/source-entries.ts'
import type { BlockHash, HashName } from '../../lib/block-hash.ts'
import { loadHash as loadPortableHash } from '../../lib/load-hash.ts'
import { ABORT_SIGNAL, checkOptions, FUNCTION, objectWith, type OptionTable } from '../../lib/options.ts'
import { checkSink, imageSink, type Sink } from '../../lib/sink.ts'
import type { BtrfsOptions } from '../../spec/btrfs-spec.ts'
import type { ExtentCompression } from './compression.ts'
import { callingThreadEncoder, type ExtentEncoder } from './extent-encoder.ts'
import { loadExtentCompression } from './extent-compression.ts'
import { minDeviceBytes } from './fit.ts'
import type { BtrfsSummary } from './summary.ts'
import { BtrfsWriter } from './writer.ts'

/** Services of the platform. All have defaults that work in Node and in browsers. */
export interface BtrfsWriteServices {
  /** Default: `loadExtentCompression()`. */
  compression?: ExtentCompression
  /** Loads the function of the checksums. */
  loadHash?: (name: HashName) => Promise<BlockHash>
  /** Encodes extents, on other threads for example. Default: `callingThreadEncoder`. */
  openEncoder?: (services: { compress: ExtentCompression['compress']; hash: BlockHash }) => ExtentEncoder
  /** Ends the work, which then rejects with the signal's reason. */
  signal?: AbortSignal
}

const SERVICES: OptionTable<BtrfsWriteServices> = {
  compression: objectWith('compress', 'decompress'),
  loadHash: FUNCTION,
  openEncoder: FUNCTION,
  signal: ABORT_SIGNAL,
}

/**
 * Writes one BTRFS file system to `sink`, front to back; the superblocks come last. The same options and entries give
 * the same bytes, which are those of the first partition of an image with the same description.
 *
 * @param options the keys of a BTRFS partition in an image description, with the same defaults; `size` is "fit" by
 *   default: as large as the content, with room to boot and grow
 * @param entries in any order, parents may be missing; a later entry of the same path wins
 * @param sink begins with the file system; it needs `read`, unless `dedupe` is false
 * @throws TypeError when the sink or a service is of the wrong kind, or a service is unknown
 * @throws SpecError with all that is wrong with the options
 * @throws InputError that names an entry that is not sound, such as one with less content than declared
 * @throws DoesNotFitError with the bytes that are needed and available
 * @throws UnrepresentableError when a tree has no room for what an entry has, such as too many hard links
 * @example
 * const sink = memorySink()
 * const { size } = await writeBtrfs({ label: 'data' }, [{ path: '/hello', type: 'file', content: 'hi\n' }], sink)
 */
export async function writeBtrfs(
  options: BtrfsOptions,
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  sink: Sink,
  services: BtrfsWriteServices = {},
): Promise<BtrfsSummary> {
  checkSink('writeBtrfs', sink)
  checkOptions('writeBtrfs', services, SERVICES)
  // The schema library is large: programs that only read do not load it.
  const { resolveBtrfsOptions } = await import('../../spec/file-system-options.ts')
  const plan = resolveBtrfsOptions(options, minDeviceBytes)
  if (plan.dedupe && sink.read === undefined) {
    throw new TypeError(
      'the sink has no `read`, which comparing contents needs: give it one, or set `dedupe` to false',
    )
  }
  const { signal, loadHash = loadPortableHash, openEncoder = callingThreadEncoder } = services
  const { compress, decompress } = services.compression ?? (await loadExtentCompression())
  const hash = await loadHash(plan.checksum)
  const image = imageSink(sink)
  const writer = new BtrfsWriter(plan, image, {
    encoder: openEncoder({ compress, hash }),
    decompress,
    hash,
    signal,
    name: 'the file system',
  })
  const given = sourceEntries(entries, { source: 'entries', time: plan.time })
  for await (const entry of abortableEntries(given, signal)) {
    await writer.add(entry, '')
  }
  const summary = await writer.finish()
  await image.finish(summary.size)
  return summary
}
