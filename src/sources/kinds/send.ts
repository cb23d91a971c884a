/** Streams of `btrfs send`: files, named pipes and standard input. */
import type { SourceEntry } from '../../file-tree/entry.ts'
import type { SendSourcePlan } from '../../spec/sources/send.ts'
import { readSendEntries, type SendInput } from '../send/read-send.ts'
import type { OpenContext, SourceOpener } from './opener.ts'
import { archiveFile, openSourceArchive } from './tar.ts'

export const sendOpener: SourceOpener<SendSourcePlan> = {
  nameOf: ({ paths }) => archiveFile.nameOf({ path: paths.at(-1)! }),
  open: openSend,
  inputs: ({ paths }) => paths.flatMap((path) => archiveFile.inputs({ path })),
  async sizeOf({ paths }) {
    const sizes = await Promise.all(paths.map((path) => archiveFile.sizeOf({ path })))
    return sizes.reduce((sum, size) => (size === undefined || sum === undefined ? undefined : sum + size), 0)
  },
}

function openSend(
  { paths, time }: SendSourcePlan,
  context: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const { leavesOut, signal } = context
  return readSendEntries(streamsOf(paths, context), { time, leavesOut, signal })
}

/** Opens one after the other; the bytes of all of them count. */
function* streamsOf(paths: readonly string[], context: OpenContext): Generator<SendInput> {
  let read = 0
  for (const path of paths) {
    const source = archiveFile.nameOf({ path })
    const before = read
    const onRead = (bytes: number) => context.onRead?.((read = before + bytes))
    yield { source, chunks: openSourceArchive(path, source, { ...context, onRead }) }
  }
}
