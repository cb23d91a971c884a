/** Begins the stream of a subvolume that is named by its root directory. */
import type { InodeRef } from '../../../file-tree/reader.ts'
import { toDisplay } from '../../../lib/byte-string.ts'
import { NotFoundError, UnsupportedError } from '../../../lib/errors.ts'
import type { ReadRoutine } from '../../../lib/read-routine.ts'
import type { BtrfsReader } from '../../read/reader.ts'
import type { Subvolume } from '../../read/subvolumes.ts'
import { ROOT_INO } from './names.ts'
import { SendStream, type SendStreamOptions } from './send-stream.ts'

export interface OpenSendOptions extends Pick<SendStreamOptions, 'version' | 'compressedData'> {
  /** Root of the subvolume that is sent. */
  subvolume: InodeRef
  /** Root of the one that the receiver has; undefined: all is sent. */
  parent?: InodeRef | undefined
}

/**
 * @throws NotFoundError when one is no root of a subvolume
 * @throws UnsupportedError when a subvolume can still be written to, so that what is sent on top of it is no use
 */
export function* openSend(
  reader: BtrfsReader,
  { subvolume, parent, ...options }: OpenSendOptions,
): ReadRoutine<SendStream> {
  const all = yield* reader.subvolumes()
  const sent = subvolumeAt(all, subvolume)
  const other = parent === undefined ? undefined : subvolumeAt(all, parent)
  if (other !== undefined) {
    const writable = [sent, other].find(({ readOnly }) => !readOnly)
    if (writable !== undefined) {
      throw new UnsupportedError(
        `${pathText(writable)} can be written to: an incremental stream is made of two read-only subvolumes`,
      )
    }
    if (other.id === sent.id)
      throw new UnsupportedError(`${pathText(sent)} is its own parent: expected another subvolume`)
  }
  return new SendStream(reader, { ...options, subvolume: sent, parent: other })
}

function subvolumeAt(all: readonly Subvolume[], { tree, ino }: InodeRef): Subvolume {
  const found = ino === ROOT_INO ? all.find(({ id }) => id === tree) : undefined
  if (found !== undefined) return found
  const paths = all.map(pathText).join(', ')
  throw new NotFoundError(`expected a subvolume, found a directory or file in one; there are: ${paths}`)
}

const pathText = ({ path }: Subvolume) => JSON.stringify(`/${toDisplay(path)}`)
