/** Properties of a file's extents that boot loaders differ in reading. */
export interface FileLayout {
  /** Parts of it have no extent, and read as zeros. */
  holes: boolean
  /** Parts of it have space and nothing else. */
  preallocated: boolean
  /** `zstd` and the like, of any extent. */
  compressions: readonly string[]
  /** Its end is compressed, and not a whole sector. */
  compressedTail: boolean
  /** Why one of its extents can only be read by the kernel. */
  oddExtent?: string | undefined
}

/** Layout of files in formats that have no holes and no compression. */
export const PLAIN_FORM: FileLayout = {
  holes: false,
  preallocated: false,
  compressions: [],
  compressedTail: false,
}
