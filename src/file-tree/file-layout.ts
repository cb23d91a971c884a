/** How a file is stored, as far as boot loaders differ in reading it. */
export interface FileLayout {
  /** Parts of it have no extent, and read as zeros. */
  holes: boolean
  /** Parts of it have space and nothing else. */
  preallocated: boolean
  /** `zstd` and the like, of any extent. */
  compressions: readonly string[]
  /** Its end is compressed, and not a whole sector. */
  compressedTail: boolean
  /** An extent that only the kernel reads: what is odd about it. */
  oddExtent?: string | undefined
}

/** How files of formats are stored that know one way. */
export const PLAIN_FORM: FileLayout = {
  holes: false,
  preallocated: false,
  compressions: [],
  compressedTail: false,
}
