/** How the content of files is stored. */
export interface StoragePlan {
  /** No copy on write, and with it no checksums and no compression. */
  nodatacow: boolean
  /** No checksums, and with it no compression, though there is copy on write. `nodatacow` has none either. */
  nodatasum?: boolean | undefined
  compression: Compression | undefined
  /**
   * Boot loaders read it: no holes, and the last, partial sector of what is compressed lies in an extent of its own
   * (U-Boot before 2023.07 reads it wrong otherwise).
   */
  bootFiles?: boolean | undefined
}

/** Whether content has no checksums. */
export function lacksChecksums({ nodatacow, nodatasum = false }: StoragePlan): boolean {
  return nodatacow || nodatasum
}

const plainStorage = new WeakMap<StoragePlan, StoragePlan>()

/** The same without copy on write. Entries of the same storage share one object. */
export function withoutCopyOnWrite(storage: StoragePlan): StoragePlan {
  if (storage.nodatacow) return storage
  let changed = plainStorage.get(storage)
  if (changed === undefined) {
    const { bootFiles } = storage
    changed = { nodatacow: true, compression: undefined, bootFiles }
    plainStorage.set(storage, changed)
  }
  return changed
}

export interface Compression {
  algorithm: 'lzo' | 'zlib' | 'zstd'
  /** zlib: 1 to 9; zstd: -15 to -1 and 1 to 15, as in the kernel, and up to 19; lzo knows none: 0. */
  level: number
}
