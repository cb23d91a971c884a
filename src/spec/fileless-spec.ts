/** Partitions without files: raw data, swap space, or nothing. */
import type { PlaceSpec } from './image-spec.ts'

/** The bytes of a file, such as a boot loader or a file system made by another tool. */
export interface RawSpec extends PlaceSpec {
  /** Raw data. */
  type: 'raw'
  /** Path of the file. */
  source: string
  /**
   * Size of the partition: bytes, or text like `4MiB`; `fit`: that of the file, rounded up to a sector; `grow`: all space up to what follows.
   * Default: `fit`.
   */
  size?: number | string
}

/** Swap space, as mkswap(8) makes it. */
export interface SwapSpec extends PlaceSpec {
  /** Swap space. */
  type: 'swap'
  /** Size of the partition: bytes, or text like `1GiB`; `grow`: all space up to what follows. At least ten pages. */
  size: number | string
  /** At most 15 bytes. Default: none. */
  label?: string
  /** UUID. Default: derived from the seed. */
  uuid?: string
  /** Page size in bytes of the machine that uses it: 4096, 8192, 16384, 32768 or 65536. Default: 4096. */
  pageSize?: 4096 | 8192 | 16384 | 32768 | 65536
}

/** A partition of zeros. */
export interface EmptySpec extends PlaceSpec {
  /** Only zeros. */
  type: 'empty'
  /** Size of the partition: bytes, or text like `64MiB`; `grow`: all space up to what follows. */
  size: number | string
}
