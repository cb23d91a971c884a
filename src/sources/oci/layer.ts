/** One layer of an image: a tar archive, whose entries are read twice, once to see what is left of them. */
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { readTarEntries } from '../../tar/read/entries.ts'
import { isCompressed } from '../archive-chunks.ts'
import { decompress } from '../decompress.ts'
import { withPlace } from '../with-place.ts'
import { DigestVerifier, verifyDigests, type Layout } from './blob.ts'
import { formatDigest, type ContentDigest } from './digest.ts'
import { StoredChunks, type OpenStoredFile, type StoredFile } from './stored-file.ts'

export interface LayerBlob {
  file: StoredFile
  /** Digest of the file; undefined: only that of its decompressed content is known. */
  digest: ContentDigest | undefined
  /** Digest of the tar archive, decompressed. */
  diffId: ContentDigest
}

export class Layer {
  readonly #layout: Layout
  readonly #blob: LayerBlob
  /** Name in messages. */
  readonly #source: string
  #isCompressed = false

  /** @param number of the layer, from 1 on */
  constructor(layout: Layout, blob: LayerBlob, number: number) {
    this.#layout = layout
    this.#blob = blob
    this.#source = `${layout.files.source}: layer ${number} (${blob.file.path})`
  }

  /**
   * The entries, verified: nothing is taken from a file before its digest is compared. That of decompressed content is
   * compared behind the last entry.
   *
   * @throws InputError when the layer is not what its digests say, or is damaged
   */
  async *verifiedEntries(): AsyncGenerator<SourceEntry, void, undefined> {
    const { file, digest, diffId } = this.#blob
    this.#isCompressed = await isFileCompressed(file)
    const digests = digest === undefined ? [] : [digest]
    if (!this.#isCompressed && digest?.algorithm !== diffId.algorithm) digests.push(diffId)
    await verifyDigests(this.#layout, file, digests)
    if (!this.#isCompressed && digest?.algorithm === diffId.algorithm && digest.hex !== diffId.hex) {
      throw this.#otherDiffId(`expected ${formatDigest(diffId)}, found ${formatDigest(digest)}`)
    }
    yield* this.#entries(this.#isCompressed ? new DigestVerifier(diffId) : undefined, () => true)
  }

  /**
   * The entries again, with the content of their files. That of large files has a `location` where the layer is not
   * compressed and its file is handed over to others.
   */
  entries(): AsyncGenerator<SourceEntry, void, undefined> {
    return this.#entries(undefined, (stored) => stored.keep())
  }

  async *#entries(
    verifier: DigestVerifier | undefined,
    mayLocate: (stored: OpenStoredFile) => boolean,
  ): AsyncGenerator<SourceEntry, void, undefined> {
    const stored = await this.#blob.file.open()
    try {
      const chunks = new StoredChunks(stored, this.#layout, !this.#isCompressed && mayLocate(stored))
      yield* readTarEntries(
        this.#isCompressed ? this.#decompressed(chunks, verifier) : chunks,
        this.#source,
        {
          isWhole: true,
        },
      )
    } finally {
      await stored.close()
    }
  }

  async *#decompressed(
    chunks: StoredChunks,
    verifier: DigestVerifier | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const expansion = { maxSize: this.#layout.maxSize }
    for await (const chunk of decompress(chunks, this.#source, { expansion })) {
      verifier?.update(chunk)
      yield chunk
    }
    const problem = verifier?.problem()
    if (problem !== undefined) throw this.#otherDiffId(problem)
  }

  #otherDiffId(problem: string): InputError {
    return new InputError(
      `decompressed, it is not what the image's configuration says (diff_ids): ${problem}`,
      {
        source: this.#source,
      },
    )
  }
}

async function isFileCompressed(file: StoredFile): Promise<boolean> {
  const stored = await file.open()
  try {
    const { handle, start, size, source } = stored
    return await withPlace({ source }, () => isCompressed(handle, start, size))
  } finally {
    await stored.close()
  }
}
