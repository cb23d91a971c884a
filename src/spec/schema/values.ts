/** The form of every kind of value in an image description, and the words for what has another form. */
import * as z from 'zod/mini'
import { isGlobPart } from '../../file-tree/glob.ts'
import { gptTypeGuid } from '../notation/gpt-types.ts'
import { expected, hasLoneSurrogate, utf8Length } from '../messages.ts'
import { DISK_ID_PATTERN, MBR_TYPE_PATTERN, isContainerType, parseHex } from '../notation/numbers.ts'
import { SIZE_PATTERN, parseSize } from '../notation/sizes.ts'
import { TIME_PATTERN, parseTime } from '../notation/times.ts'

/** Text of a form, which UTF-8 can spell; `means` is the rest of what it takes, which a pattern cannot say. */
export function text(what: string, pattern: RegExp, means: (value: string) => boolean = () => true) {
  const message = expected(what)
  return z.string(message).check(
    z.regex(pattern, { ...message, abort: true }),
    z.refine((value) => !hasLoneSurrogate(value) && means(value), message),
  )
}

export function integer(what: string, from: number, to: number) {
  const message = expected(what)
  const stop = { ...message, abort: true }
  return z.int(message).check(z.minimum(from, stop), z.maximum(to, stop))
}

const SIZE = 'a size in bytes or like "512MiB" (KiB, MiB, GiB, TiB)'
const sizeNumber = (what: string) => integer(what, 0, Number.MAX_SAFE_INTEGER)
const sizeText = (what: string) => text(what, SIZE_PATTERN, (value) => parseSize(value) !== undefined)
export const size = z.union([sizeNumber(SIZE), sizeText(SIZE)], expected(SIZE))
const SIZE_OR_FIT = `${SIZE}, or "fit"`
export const sizeOrFit = z.union(
  [sizeNumber(SIZE_OR_FIT), z.literal('fit', expected(SIZE_OR_FIT)), sizeText(SIZE_OR_FIT)],
  expected(SIZE_OR_FIT),
)

/** The end of a message about a size that may also be one of these words. */
function sizeOr(...words: ('fit' | 'grow')[]) {
  const what = `${SIZE} or ${words.map((word) => `"${word}"`).join(' or ')}`
  const error = expected(what)
  return z.union([sizeNumber(what), z.literal(words, error), sizeText(what)], error)
}
export const growingSize = sizeOr('grow')
export const fittingSize = sizeOr('fit', 'grow')

const ALIGNMENT = 'a multiple of 512 bytes, as a number or like "4MiB"'
const isAlignment = (value: number | string) => {
  const bytes = parseSize(value)
  return bytes !== undefined && bytes > 0 && bytes % 512 === 0
}
export const alignment = z.union(
  [
    integer(ALIGNMENT, 1, Number.MAX_SAFE_INTEGER).check(z.refine(isAlignment, expected(ALIGNMENT))),
    text(ALIGNMENT, SIZE_PATTERN, isAlignment),
  ],
  expected(ALIGNMENT),
)

const CLUSTER_SIZE = 'a power of two from 512 to 65536, in bytes or like "4KiB"'
const isClusterSize = (size: number | string) => {
  const bytes = parseSize(size)!
  return bytes >= 512 && bytes <= 65536 && Number.isInteger(Math.log2(bytes))
}
export const clusterSize = z.union(
  [
    sizeNumber(CLUSTER_SIZE).check(z.refine(isClusterSize, expected(CLUSTER_SIZE))),
    text(CLUSTER_SIZE, SIZE_PATTERN, (value) => parseSize(value) !== undefined && isClusterSize(value)),
  ],
  expected(CLUSTER_SIZE),
)

/** A byte, which is usually written in hexadecimal. */
export function byte(what: string, means: (value: number) => boolean = () => true) {
  return z.union(
    [
      integer(what, 0, 255).check(z.refine(means, expected(what))),
      text(what, MBR_TYPE_PATTERN, (value) => means(parseHex(value))),
    ],
    expected(what),
  )
}

const TIME = 'seconds since 1970, or a time like "2024-05-01" or "2024-05-01T12:00:00Z"'
export const time = z.union(
  [z.int(expected(TIME)), text(TIME, TIME_PATTERN, (value) => parseTime(value) !== undefined)],
  expected(TIME),
)

const DISK_ID = 'a 32-bit number, or one like "0x2178694e"'
export const diskId = z.union(
  [integer(DISK_ID, 0, 0xffff_ffff), text(DISK_ID, DISK_ID_PATTERN)],
  expected(DISK_ID),
)

const MBR_TYPE = 'the type of a partition that holds a file system, 1 to 255 or like "0x0c"'
const isFileSystemType = (type: number | string) => parseHex(type) > 0 && !isContainerType(parseHex(type))
export const mbrType = z.union(
  [
    integer(MBR_TYPE, 1, 255).check(z.refine(isFileSystemType, expected(MBR_TYPE))),
    text(MBR_TYPE, MBR_TYPE_PATTERN, isFileSystemType),
  ],
  expected(MBR_TYPE),
)

export const gptType = text(
  'the type of a GPT partition, a name like "esp", "root-arm64" or "linux-generic", or a GUID',
  /^[-0-9a-zA-Z]+$/,
  (value) => (gptTypeGuid(value) ?? NIL_UUID) !== NIL_UUID,
)
/** (UEFI, table 5-6: 72 bytes of UTF-16) */
export const gptName = text(
  'a name of at most 36 UTF-16 units without NUL',
  /^[^\0]*$/,
  (name) => name.length <= 36,
)

export const swapLabel = text(
  'a label of at most 15 bytes without NUL',
  /^[^\0]*$/,
  (label) => utf8Length(label) <= 15,
)

const NIL_UUID = '00000000-0000-0000-0000-000000000000'
export const uuid = text(
  'a UUID like "44444444-4444-4444-8888-888888888889"',
  /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/,
  (value) => value !== NIL_UUID,
)

export const compression = text(
  '"none", "lzo", "zlib", "zlib:1" to "zlib:9", "zstd", "zstd:1" to "zstd:19" or "zstd:-1" to "zstd:-15"',
  /^(?:none|lzo|zlib(?::[1-9])?|zstd(?::(?:[1-9]|1\d|-(?:[1-9]|1[0-5])))?)$/,
)

/** (btrfs_compress_str2level; negative levels of zstd since Linux 6.15) */
export const compressionProperty = text(
  '"none", "lzo", "zlib" or "zstd", with a level as the kernel takes it, like "zlib:9", "zstd:15" or "zstd:-5"',
  /^(?:none|lzo|zlib(?::[1-9])?|zstd(?::-?(?:[1-9]|1[0-5]))?)$/,
)

const fitsName = (name: string) => utf8Length(name) <= 255
export const subvolumeName = text(
  'a name like "@" or "@/var/lib/machines", without empty, "." and ".." parts, of at most 255 bytes each; "" is the top level',
  /^(?:|(?!\.{1,2}(?:\/|$))[^/\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)*)$/,
  (name) => name.split('/').every(fitsName),
)
export const linkName = text(
  'a name of 1 to 255 bytes without "/", not "." or ".."',
  /^(?!\.{1,2}$)[^/\0]+$/,
  fitsName,
)
export const linkTarget = text(
  'a link target of 1 to 4095 bytes',
  /^[^\0]+$/,
  (target) => utf8Length(target) <= 4095,
)
export const path = text(
  'an absolute path like "/boot", without empty, "." and ".." parts',
  /^(?:\/|(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+)$/,
  (value) => value.split('/').every(fitsName),
)
export const mountOptions = text(
  'options of mount(8) like "noatime,compress=zstd:1"',
  /^[^\s,]+(?:,[^\s,]+)*$/,
)
export const fileName = text('the path of a file or folder', /^[^\0]+$/)

/** Shell patterns of whole paths; `**` stands for any number of directories. */
export const glob = text(
  'a pattern like "/var/log/*.log" or "/nix/store/**", without empty, "." and ".." parts',
  /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/,
  (pattern) => pattern.split('/').every((part) => isGlobPart(part)),
)

const ID = 'a number from 0 to 4294967294'
/** A user's or group's number. */
export const ownerId = integer(ID, 0, 0xffff_fffe)

/**
 * (BTRFS_FIRST_FREE_OBJECTID; qgroups keep the upper 16 bits.) The kernel counts on from the greatest there is: half of
 * the ids are left to it.
 */
export const subvolumeId = integer('a number from 256 to 140737488355327', 256, 2 ** 47 - 1)

export const mode = text('permissions in octal digits, like "0755"', /^[0-7]{3,4}$/)

export const xattrName = text(
  'a name like "user.comment" of at most 255 bytes',
  /^[^.\0]+\.[^\0]+$/,
  (name) => utf8Length(name) <= 255,
)
const XATTR_VALUE = 'text, {"base64": "..."}, or null to remove it'
export const xattrValue = z.union(
  [
    z.string().check(z.refine((value) => !hasLoneSurrogate(value))),
    z.null(),
    z.strictObject({
      base64: z.string().check(z.regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)),
    }),
  ],
  expected(XATTR_VALUE),
)
