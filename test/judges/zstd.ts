import { mustRun } from './run-tool.ts'

/** The output of `zstd -l -v`. Sizes in bytes; `undefined` where the frames do not state them. */
export interface ZstdListing {
  frames: number
  skippableFrames: number
  compressedSize: number
  decompressedSize: number | undefined
  checksum: string
}

/** Has every frame decompressed and its checksum verified. @throws Error with zstd's complaint */
export async function zstdTest(path: string): Promise<void> {
  await mustRun('zstd', ['--test', '--quiet', path])
}

/** Decompresses to a sparse file, replacing it. */
export async function zstdDecompress(path: string, target: string): Promise<void> {
  await mustRun('zstd', ['-d', '--quiet', '--force', '--sparse', path, '-o', target])
}

function field(listing: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(listing)?.[1]
}

function byteCount(value: string | undefined): number | undefined {
  const exact = /\((\d+) B\)/.exec(value ?? '')?.[1]
  return exact === undefined ? undefined : Number(exact)
}

/** The frames of a file as zstd counts them. */
export async function zstdList(path: string): Promise<ZstdListing> {
  const { stdout } = await mustRun('zstd', ['-l', '-v', path])
  const compressedSize = byteCount(field(stdout, 'Compressed Size'))
  if (compressedSize === undefined) throw new Error(`zstd -l -v: not understood:\n${stdout}`)
  return {
    frames: Number(field(stdout, '# Zstandard Frames') ?? 0),
    skippableFrames: Number(field(stdout, '# Skippable Frames') ?? 0),
    compressedSize,
    decompressedSize: byteCount(field(stdout, 'Decompressed Size')),
    checksum: field(stdout, 'Check') ?? '',
  }
}
