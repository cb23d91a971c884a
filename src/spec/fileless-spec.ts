/** Partitions without files: data as it is, swap space, nothing. */
import type { PlaceSpec } from './image-spec.ts'

/** The bytes of a file: a boot loader, a file system that another tool made. */
export interface RawSpec extends PlaceSpec {
  /** Data as it is. */
  type: 'raw'
  /** Path of the file. */
  source: string
  /**
   * Size of the partition: bytes, or text like `4MiB`; `fit`: that of the file, rounded up to a sector; `grow`: all up to what follows.
   * Default: `fit`.
   */
  size?: number | string
}

/** Swap space, as mkswap(8) makes it. */
export interface SwapSpec extends PlaceSpec {
  /** Swap space. */
  type: 'swap'
  /** Size of the partition: bytes, or text like `1GiB`; `grow`: all up to what follows. At least ten pages. */
  size: number | string
  /** At most 15 bytes. Default: none. */
  label?: string
  /** UUID. Default: derived from the seed. */
  uuid?: string
  /** Bytes of a page of the machine that uses it: 4096, 8192, 16384, 32768 or 65536. Default: 4096. */
  pageSize?: 4096 | 8192 | 16384 | 32768 | 65536
}

/** A partition of zeros. */
export interface EmptySpec extends PlaceSpec {
  /** Nothing but zeros. */
  type: 'empty'
  /** Size of the partition: bytes, or text like `64MiB`; `grow`: all up to what follows. */
  size: number | string
}
