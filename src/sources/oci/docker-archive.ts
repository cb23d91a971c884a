/** The images of an archive of `docker save`, with `manifest.json`. (moby, image/spec/v1.2.md) */
import { fromText } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import { normalisePath } from '../../file-tree/entry-path.ts'
import { EntryProblem } from '../../file-tree/entry-problem.ts'
import { readDocument, whereIs, type Layout } from './blob.ts'
import { digestOfPath, formatDigest, parseDigest, type ContentDigest } from './digest.ts'
import { configDocument, dockerManifest, type DockerImage } from './documents.ts'
import { withDiffIds, type OpenImage, type StoredImage } from './image.ts'
import type { StoredFile } from './stored-file.ts'

/** @returns undefined when there is no manifest.json */
export async function imagesOfDockerArchive(layout: Layout): Promise<StoredImage[] | undefined> {
  const file = await layout.files.find('manifest.json')
  if (file === undefined) return undefined
  const images = await readDocument(layout, file, dockerManifest)
  return images.map((image) => imageOf(layout, file, image))
}

function imageOf(layout: Layout, manifest: StoredFile, image: DockerImage): StoredImage {
  const { source } = layout.files
  const digest = digestOfConfig(image.Config)
  const find = async (path: string): Promise<StoredFile> => {
    refusePath(path, whereIs(layout, manifest))
    const file = await layout.files.find(path)
    if (file === undefined) throw new InputError('the file is missing', { source, entry: path })
    return file
  }
  const open = async (): Promise<OpenImage> => {
    const file = await find(image.Config)
    const config = await readDocument(layout, file, configDocument, digest)
    const layers = []
    for (const path of image.Layers) layers.push({ file: await find(path), digest: digestOfPath(path) })
    return withDiffIds(layers, config, whereIs(layout, file))
  }
  return {
    names: new Set(image.RepoTags),
    digests: new Set(digest === undefined ? [] : [formatDigest(digest)]),
    platform: undefined,
    isThere: () => Promise.resolve(true),
    open,
  }
}

/** `<sha256>.json` of Docker and skopeo, `sha256:<sha256>` of go-containerregistry, or the path of a blob. */
function digestOfConfig(path: string): ContentDigest | undefined {
  return digestOfPath(path) ?? parseDigest(path) ?? parseDigest(`sha256:${path.replace(/\.json$/, '')}`)
}

/** No path may lead out of a directory that is read as an archive. */
function refusePath(path: string, where: { source: string; entry: string }): void {
  try {
    if (normalisePath(fromText(path)) === fromText(path)) return
  } catch (error) {
    if (!(error instanceof EntryProblem)) throw error
  }
  throw new InputError(`expected the path of a file in the archive, found ${JSON.stringify(path)}`, where)
}
