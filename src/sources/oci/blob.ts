/** Blobs of a layout, whose content is what their digests say. */
import { createHash, type Hash } from 'node:crypto'
import type * as z from 'zod/mini'
import english from 'zod/v4/locales/en.js'
import { InputError } from '../../lib/errors.ts'
import { firstBytes } from '../../lib/first-bytes.ts'
import { blobPath, formatDigest, type ContentDigest } from './digest.ts'
import type { Descriptor } from './documents.ts'
import { StoredChunks, type LayoutFiles, type StoredFile, type StoredReadOptions } from './stored-file.ts'

/** Documents are held in memory. Registries take manifests of 4 MiB. */
const MAX_DOCUMENT = 16 << 20

/** A layout, and how it is read. */
export interface Layout extends StoredReadOptions {
  files: LayoutFiles
  /** Bytes that a compressed layer may expand to; undefined: see limitExpansion. */
  maxSize?: number | undefined
}

/**
 * The blob that a descriptor names, of the size it says. Its content is not looked at.
 *
 * @throws InputError when it is missing, or of another size
 */
export async function findBlob(
  { files }: Layout,
  { digest, size, urls }: Pick<Descriptor, 'digest' | 'size' | 'urls'>,
): Promise<StoredFile> {
  const where = { source: files.source, entry: blobPath(digest) }
  const file = await files.find(blobPath(digest))
  if (file === undefined) {
    const elsewhere = urls?.length ? `; it is available at ${urls[0]}, but nothing is downloaded` : ''
    throw new InputError(`the blob is missing${elsewhere}`, where)
  }
  if (file.size !== size) {
    throw new InputError(`expected ${size} bytes, as its descriptor says, found ${file.size}`, where)
  }
  return file
}

/**
 * Reads a file and compares its digests.
 *
 * @throws InputError when one is another
 */
export async function verifyDigests(
  layout: Layout,
  file: StoredFile,
  digests: readonly ContentDigest[],
): Promise<void> {
  if (digests.length === 0) return
  const stored = await file.open()
  try {
    const verifiers = digests.map((digest) => new DigestVerifier(digest))
    for await (const chunk of new StoredChunks(stored, layout, false)) {
      for (const verifier of verifiers) verifier.update(chunk)
    }
    for (const verifier of verifiers) {
      const problem = verifier.problem()
      if (problem !== undefined) throw new InputError(problem, whereIs(layout, file))
    }
  } finally {
    await stored.close()
  }
}

/**
 * A JSON document of a layout.
 *
 * @param digest undefined for one whose digest nobody says
 * @throws InputError when it is not what its digest says, or not of the form of `schema`
 */
export async function readDocument<Schema extends z.ZodMiniType>(
  layout: Layout,
  file: StoredFile,
  schema: Schema,
  digest?: ContentDigest,
): Promise<z.output<Schema>> {
  const where = whereIs(layout, file)
  if (file.size > MAX_DOCUMENT) {
    throw new InputError(`a document of ${file.size} bytes: expected at most ${MAX_DOCUMENT}`, where)
  }
  const bytes = await readAll(layout, file)
  if (digest !== undefined) {
    const verifier = new DigestVerifier(digest)
    verifier.update(bytes)
    const problem = verifier.problem()
    if (problem !== undefined) throw new InputError(problem, where)
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new InputError(`expected JSON: ${(error as Error).message}`, where, { cause: error })
  }
  const parsed = schema.safeParse(value, { error: english().localeError })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const at = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
  throw new InputError(`not the document it should be: ${at}${issue.message}`, where)
}

async function readAll(layout: Layout, file: StoredFile): Promise<Uint8Array> {
  const stored = await file.open()
  try {
    return await firstBytes(new StoredChunks(stored, layout, false), file.size)
  } finally {
    await stored.close()
  }
}

export function whereIs({ files }: Layout, { path }: StoredFile): { source: string; entry: string } {
  return { source: files.source, entry: path }
}

/** Compares the digest of bytes with the one they should have. */
export class DigestVerifier {
  readonly #expected: ContentDigest
  readonly #hash: Hash

  constructor(expected: ContentDigest) {
    this.#expected = expected
    this.#hash = createHash(expected.algorithm)
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }

  /** To be asked once, at the end. Undefined: the digest is the expected one. */
  problem(): string | undefined {
    const found = { ...this.#expected, hex: this.#hash.digest('hex') }
    if (found.hex === this.#expected.hex) return undefined
    return `expected the digest ${formatDigest(this.#expected)}, found ${formatDigest(found)}`
  }
}
