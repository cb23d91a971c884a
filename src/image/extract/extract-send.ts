/** Writes the stream that `btrfs send` makes of a subvolume. */
import type { InodeRef } from '../../file-tree/reader.ts'
import { UnsupportedError } from '../../lib/errors.ts'
import { yieldToEventLoop } from '../../lib/yield.ts'
import type { SendOptions } from '../drivers/driver.ts'
import { driveWith } from '../drive-source.ts'
import type { FileSystem } from '../file-system.ts'
import { openArchive, type ArchiveCompression, type ArchiveOptions } from './archive-file.ts'
import type { ExtractProgress } from './options.ts'

export interface WriteSendOptions extends ArchiveOptions, Omit<SendOptions, 'subvolume'> {
  from: InodeRef
  onProgress?: ((progress: ExtractProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface ExtractSendResult {
  /** Commands in the stream. */
  commands: number
  /** Bytes of file content in the stream, compressed or not. */
  contentBytes: number
  compression: ArchiveCompression
  /** Bytes of the stream before compression. */
  streamBytes: number
  /** Bytes written. */
  outputBytes: number
}

/** Commands are put together to pieces of this size. */
const CHUNK = 1 << 20

/**
 * @throws OutputError when the stream cannot be written
 * @throws CorruptError when what is read is damaged
 *
 * @internal
 */
export async function writeSendStream(
  { opened, source }: FileSystem,
  options: WriteSendOptions,
): Promise<ExtractSendResult> {
  const { signal, onProgress, from: subvolume } = options
  const { parent, version, compressedData } = options
  const stream = await opened.send?.({ subvolume, parent, version, compressedData })
  if (stream === undefined) {
    throw new UnsupportedError(
      `a stream of btrfs send is made of a subvolume of BTRFS, and this is ${opened.type}`,
    )
  }
  signal?.throwIfAborted()
  const output = await openArchive(options)
  const drive = driveWith(source)
  let streamBytes = 0
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  const flush = async () => {
    const chunk = new Uint8Array(pendingBytes)
    let at = 0
    for (const bytes of pending) {
      chunk.set(bytes, at)
      at += bytes.length
    }
    streamBytes += at
    pending = []
    pendingBytes = 0
    await output.write(chunk)
    await yieldToEventLoop()
    signal?.throwIfAborted()
    onProgress?.({ entries: stream.counts.commands, bytes: stream.counts.contentBytes })
  }
  try {
    for (;;) {
      const next = drive(stream.next())
      const pieces = next instanceof Promise ? await next : next
      if (pieces === undefined) break
      for (const bytes of pieces) {
        pending.push(bytes)
        pendingBytes += bytes.length
      }
      if (pendingBytes >= CHUNK) await flush()
    }
    await flush()
    const outputBytes = await output.finish()
    return { ...stream.counts, compression: output.compression, streamBytes, outputBytes }
  } catch (error) {
    await output.abort()
    throw error
  }
}
