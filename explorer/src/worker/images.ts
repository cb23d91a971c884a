/** Images that are open, and what the page asks of them. */
import {
  diffImages,
  inspectImage,
  openImage,
  urlSource,
  verifyImage,
  type Difference,
  type DiskImage,
  type FileSystem,
  type ImagePartition,
  type InodeRef,
} from '../../../src/browser/index.ts'
import type { Calls, Entry, OpenedPartition, Place } from '../protocol.ts'
import type { CallContext } from './context.ts'
import { createFile } from './storage.ts'

type Call<Name extends keyof Calls> = (
  context: CallContext,
  ...given: Parameters<Calls[Name]>
) => ReturnType<Calls[Name]>

const images = new Map<number, DiskImage>()
let lastId = 0

function imageOf(id: number): DiskImage {
  const image = images.get(id)
  if (image === undefined) throw new Error('the image is closed')
  return image
}

export async function fileSystemOf({
  image,
  partition,
}: {
  image: number
  partition: number
}): Promise<FileSystem> {
  return imageOf(image).partition(partition).open()
}

export const open: Call<'open'> = async ({ signal, progress }, place) => {
  const source = 'file' in place ? place.file : await urlSource(place.url)
  const image = await openImage(source, {
    createScratch: createFile,
    onProgress: progress,
    // Damage is shown by `verify`; what can still be read is shown.
    onFinding: () => undefined,
  })
  signal.throwIfAborted()
  const id = ++lastId
  images.set(id, image)
  const partitions: OpenedPartition[] = []
  for (const partition of image.partitions) partitions.push(await partitionOf(partition))
  const { size, compression, table } = image
  return { id, name: nameOf(place), size, compression, table: table?.type, partitions }
}

function nameOf(place: Place): string {
  if ('file' in place) return place.file.name
  const { pathname, host } = new URL(place.url)
  return decodeURIComponent(pathname.split('/').at(-1) ?? '') || host
}

async function partitionOf(partition: ImagePartition): Promise<OpenedPartition> {
  const { number, start, size, labels, contentType: content, fileSystemType } = partition
  const common = { number, start, size, label: labels[0] ?? '', content }
  if (fileSystemType === undefined) return { ...common, root: undefined, problem: undefined }
  try {
    const { tree, ino } = await (await partition.open()).stat('/')
    return { ...common, root: { tree, ino }, problem: undefined }
  } catch (error) {
    return { ...common, root: undefined, problem: (error as Error).message }
  }
}

export const close: Call<'close'> = async (_, id) => {
  const image = images.get(id)
  images.delete(id)
  await image?.close()
}

export const list: Call<'list'> = async ({ signal }, node) => {
  const fileSystem = await fileSystemOf(node)
  const entries: Entry[] = []
  for (const { name, type, tree, ino } of await fileSystem.list(node.ref)) {
    signal.throwIfAborted()
    entries.push(await entryOf(fileSystem, { name, type, ref: { tree, ino }, parent: node.ref }))
  }
  const rank = ({ type }: Entry) => (type === 'directory' ? 0 : 1)
  return entries.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
}

async function entryOf(
  fileSystem: FileSystem,
  { name, type, ref, parent }: Pick<Entry, 'name' | 'type' | 'ref'> & { parent: InodeRef },
): Promise<Entry> {
  const isSubvolume = type === 'directory' && ref.tree !== parent.tree
  const common = { name, type, ref, isSubvolume }
  try {
    const { size, mode, uid, gid, mtime } = await fileSystem.lstat(ref)
    const target = type === 'symlink' ? await fileSystem.readlink(ref) : undefined
    return { ...common, size, mode, uid, gid, mtime: mtime.sec, target }
  } catch {
    // Damaged: its name is all there is.
    return { ...common, size: 0, mode: 0, uid: 0, gid: 0, mtime: 0, target: undefined }
  }
}

export const read: Call<'read'> = async ({ signal }, node, length) => {
  const fileSystem = await fileSystemOf(node)
  const bytes = new Uint8Array(length)
  let filled = 0
  for await (const piece of fileSystem.read(node.ref, { offset: 0, length })) {
    signal.throwIfAborted()
    bytes.set(piece, filled)
    filled += piece.length
  }
  return bytes.subarray(0, filled)
}

export const inspect: Call<'inspect'> = ({ signal }, id) => inspectImage(imageOf(id), { signal })

export const verify: Call<'verify'> = ({ signal, progress, finding }, id) =>
  verifyImage(imageOf(id), { signal, onProgress: progress, onFinding: finding })

export const compare: Call<'compare'> = async ({ signal, progress }, a, b, ignore, limit) => {
  const differences: Difference[] = []
  let count = 0
  const onCompared = ({ entries }: { entries: number }) =>
    progress({ step: 'comparing', done: entries, total: undefined })
  for await (const difference of diffImages(imageOf(a), imageOf(b), { signal, ignore, onCompared })) {
    signal.throwIfAborted()
    if (count++ < limit) differences.push(difference)
  }
  return { differences, count }
}
