/** How the content of files is stored. */
export interface StoragePlan {
  /** No copy on write, and with it no checksums and no compression. */
  nodatacow: boolean
  compression: Compression | undefined
  /**
   * Boot loaders read it: no holes, and the last, partial sector of what is compressed lies in an extent of its own
   * (U-Boot before 2023.07 reads it wrong otherwise).
   */
  bootFiles?: boolean | undefined
}

export interface Compression {
  algorithm: 'lzo' | 'zlib' | 'zstd'
  /** zlib: 1 to 9; zstd: 1 to 15, as in the kernel; lzo knows none: 0. */
  level: number
}
