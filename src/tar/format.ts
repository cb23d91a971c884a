/**
 * The header block of a tar archive, for the reader and the writer: POSIX ustar (POSIX.1-2017, utility
 * pax, "ustar Interchange Format").
 */

/** Headers and content fill whole blocks of this many bytes. */
export const BLOCK = 512

export interface HeaderField {
  name: string
  start: number
  end: number
}

/** Field by field with the size of each. Headers are used in place: they are many and most fields are not needed. */
export function layout<K extends string>(sizes: Record<K, number>): Record<K, HeaderField> {
  const fields = {} as Record<K, HeaderField>
  let at = 0
  for (const name of Object.keys(sizes) as K[]) {
    fields[name] = { name, start: at, end: at + sizes[name] }
    at += sizes[name]
  }
  if (at !== BLOCK) throw new Error(`a tar header has ${BLOCK} bytes, its fields take ${at}`)
  return fields
}

/** The header as POSIX has it (`struct posix_header` in GNU tar's tar.h). V7 knows the fields up to `linkname`. */
export const POSIX = layout({
  name: 100,
  mode: 8,
  uid: 8,
  gid: 8,
  size: 12,
  mtime: 12,
  chksum: 8,
  typeflag: 1,
  linkname: 100,
  magic: 6,
  version: 2,
  uname: 32,
  gname: 32,
  devmajor: 8,
  devminor: 8,
  prefix: 155,
  padding: 12,
})

/** The fields of GNU's own format in the place of `prefix`. (struct oldgnu_header in GNU tar's tar.h) */
export const OLD_GNU = layout({
  posix: 345,
  atime: 12,
  ctime: 12,
  offset: 12,
  longnames: 4,
  unused: 1,
  /** The map of a sparse file: 4 entries. */
  sp: 4 * 24,
  isextended: 1,
  realsize: 12,
  padding: 17,
})

/** What star puts into the place of `prefix`, when a name needs no more than 131 bytes of it. (struct star_header) */
export const STAR = layout({ posix: 345, prefix: 131, atime: 12, ctime: 12, fill: 8, xmagic: 4 })

/** The start of the map of a sparse file of star, in the place of the prefix: 4 entries. (struct star_in_header) */
export const STAR_SPARSE = layout({
  posix: 345,
  fill: 10,
  isextended: 1,
  sp: 4 * 24,
  realsize: 12,
  offset: 12,
  atime: 12,
  ctime: 12,
  fill2: 8,
  xmagic: 4,
})

/** A block that continues the map of a sparse file: 21 entries. (struct sparse_header, struct star_ext_header) */
export const SPARSE_HEADER = layout({ sp: 21 * 24, isextended: 1, padding: 7 })

/** An entry of these maps. (struct sparse) */
export const SPARSE_ENTRY = { offset: 12, numbytes: 12 } as const
export const SPARSE_ENTRY_SIZE = SPARSE_ENTRY.offset + SPARSE_ENTRY.numbytes

/** Bytes that follow content of `size` bytes, to fill its last block. */
export function paddingOf(size: number): number {
  return -size & (BLOCK - 1)
}
