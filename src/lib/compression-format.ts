/** Compressed files are recognized by their first bytes, never by their names. */

interface Format {
  name: string
  matches: (start: Uint8Array) => boolean
}

const FORMATS = [
  { name: 'gzip', matches: startsWith(0x1f, 0x8b) }, // RFC 1952, 2.3.1
  { name: 'zstd', matches: isZstd },
  { name: 'xz', matches: startsWith(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00) },
  { name: 'bzip2', matches: isBzip2 },
  { name: 'lz4', matches: isLz4 },
  { name: 'lzip', matches: startsWith(0x4c, 0x5a, 0x49, 0x50, 0x01) },
  { name: 'lzma', matches: startsWith(0x5d, 0x00, 0x00) },
  { name: 'compress (.Z)', matches: startsWith(0x1f, 0x9d) },
  { name: 'zip', matches: startsWith(0x50, 0x4b, 0x03, 0x04) },
] as const satisfies readonly Format[]

export type CompressionFormat = (typeof FORMATS)[number]['name']

/** Formats that are decompressed; the others are recognised only to say that they are not. */
export const SUPPORTED_COMPRESSIONS = ['gzip', 'zstd', 'xz', 'bzip2', 'lz4'] as const
export type SupportedCompression = (typeof SUPPORTED_COMPRESSIONS)[number]

export function isSupportedCompression(format: string): format is SupportedCompression {
  return (SUPPORTED_COMPRESSIONS as readonly string[]).includes(format)
}

/**
 * Whether bytes that begin with `start` are compressed in a format that marks its end, so that what is missing is noticed:
 * all but the legacy one of lz4 do.
 */
export function marksItsEnd(start: Uint8Array): boolean {
  const format = compressionOf(start)
  return format !== undefined && !(format === 'lz4' && start[0] === 0x02)
}

/** Bytes that suffice to recognize every format. */
export const LONGEST_MAGIC = 10

/** The format in which bytes that begin with `start` are compressed, supported or not. */
export function compressionOf(start: Uint8Array): CompressionFormat | undefined {
  return FORMATS.find(({ matches }) => matches(start))?.name
}

function startsWith(...magic: (number | undefined)[]): Format['matches'] {
  return (start) =>
    start.length >= magic.length && magic.every((byte, i) => byte === undefined || byte === start[i])
}

/** A zstd frame, or a skippable one (RFC 8878, 3.1.1 and 3.1.2), with which lz4 files may begin, too. */
function isZstd(start: Uint8Array): boolean {
  return (
    startsWith(0x28, 0xb5, 0x2f, 0xfd)(start) ||
    (startsWith(undefined, 0x2a, 0x4d, 0x18)(start) && start[0] >= 0x50 && start[0] <= 0x5f)
  )
}

/** A stream, and its first block or, when it is empty, its end. */
function isBzip2(start: Uint8Array): boolean {
  return (
    startsWith(0x42, 0x5a, 0x68, undefined, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59)(start) ||
    startsWith(0x42, 0x5a, 0x68, undefined, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90)(start)
  )
}

/** A frame, or one of the legacy format, which `lz4 -l` writes (lz4_Frame_format.md). */
function isLz4(start: Uint8Array): boolean {
  return startsWith(0x04, 0x22, 0x4d, 0x18)(start) || startsWith(0x02, 0x21, 0x4c, 0x18)(start)
}
