/** A container image as a source: its layers, one on top of the other, make one tree. */
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry, Timestamp } from '../../file-tree/entry.ts'
import type { LeavesOut } from '../directory.ts'
import type { Layout } from './blob.ts'
import { chooseImage, type WantedImage } from './choose.ts'
import { imagesOfDockerArchive } from './docker-archive.ts'
import type { StoredImage } from './image.ts'
import { Layer } from './layer.ts'
import { LayerTree } from './layer-tree.ts'
import { imagesOfLayout, isOciLayout } from './oci-layout.ts'
import { entriesOf, filesOf, hardLink, type FilePaths } from './survivors.ts'

export interface ContainerImage extends WantedImage {
  /** Time of directories that are only on the paths of others. */
  time: Timestamp
  /** What will not be taken: the content of a file goes to the first of its names that is. */
  leavesOut: LeavesOut
}

/**
 * The entries of an image, as they are after all layers: directories and links first, then files by layer. Each path
 * is there once, and leads through no symlink.
 *
 * Every layer is read twice. The first time all digests are verified and the tree is built without content; then only
 * the files that are left are taken, so that nothing reaches the disk image that an upper layer removes or replaces.
 *
 * @throws InputError when there is not one such image, something of it is missing or not what its digest says, when a
 *   layer is damaged, or its entries contradict those below it
 */
export async function* readImage(
  layout: Layout,
  { time, leavesOut, ...wanted }: ContainerImage,
): AsyncGenerator<SourceEntry, void, undefined> {
  const { source } = layout.files
  const image = await chooseImage(await imagesOf(layout), wanted, source)
  const layers = image.layers.map((blob, i) => new Layer(layout, blob, i + 1))
  const tree = new LayerTree()
  for (const layer of layers) {
    for await (const entry of layer.verifiedEntries()) tree.add(entry)
    tree.endLayer()
  }
  const files = filesOf(tree, layers.length, leavesOut)
  yield* entriesOf(tree, { source, time, leavesOut })
  for (const [i, layer] of layers.entries()) yield* filesOfLayer(layer, files[i])
}

async function imagesOf(layout: Layout): Promise<StoredImage[]> {
  if (await isOciLayout(layout)) return imagesOfLayout(layout)
  const images = await imagesOfDockerArchive(layout)
  if (images !== undefined) return images
  throw new InputError(
    'expected an OCI image layout (oci-layout, index.json) or an archive of docker save (manifest.json), found neither',
    { source: layout.files.source },
  )
}

/** The files that are left of a layer, with all their names. */
async function* filesOfLayer(layer: Layer, files: FilePaths): AsyncGenerator<SourceEntry, void, undefined> {
  let left = files.size
  if (left === 0) return
  let index = 0
  for await (const entry of layer.entries()) {
    const paths = files.get(index++)
    if (paths === undefined) continue
    const [first, ...others] = paths
    yield { ...entry, path: first }
    for (const path of others) yield hardLink(entry, path, first)
    if (--left === 0) return
  }
}
