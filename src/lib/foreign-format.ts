/** What a file is that was taken for an archive, by its magic numbers: for messages. */

interface Format {
  /** With its article. */
  name: string
  offset?: number
  /** Characters stand for bytes. */
  magic: readonly string[]
}

const FORMATS: readonly Format[] = [
  { name: 'a cpio archive', magic: ['070701', '070702', '070707', '\xc7\x71', '\x71\xc7'] },
  { name: 'a NAR (an archive of Nix)', magic: ['\r\0\0\0\0\0\0\0nix-archive-1'] },
  { name: 'an export of a Nix store', magic: ['\x01\0\0\0\0\0\0\0\r\0\0\0\0\0\0\0nix-archive-1'] },
  { name: 'a stream of btrfs send', magic: ['btrfs-stream\0'] },
  { name: 'a tar archive', offset: 257, magic: ['ustar'] },
  { name: 'a zip archive', magic: ['PK\x03\x04', 'PK\x05\x06'] },
  { name: 'a 7z archive', magic: ['7z\xbc\xaf\x27\x1c'] },
  { name: 'a RAR archive', magic: ['Rar!\x1a\x07'] },
  { name: 'an xar archive', magic: ['xar!'] },
  { name: 'a cabinet file', magic: ['MSCF'] },
  { name: 'an ar archive, as Debian packages are', magic: ['!<arch>\n'] },
  { name: 'an RPM package', magic: ['\xed\xab\xee\xdb'] },
  { name: 'a squashfs image', magic: ['hsqs', 'sqsh'] },
  { name: 'an XFS file system', magic: ['XFSB'] },
  { name: 'an EROFS image', offset: 1024, magic: ['\xe2\xe1\xf5\xe0'] },
  { name: 'an ext2, ext3 or ext4 file system', offset: 1080, magic: ['\x53\xef'] },
  { name: 'an F2FS file system', offset: 1024, magic: ['\x10\x20\xf5\xf2'] },
  { name: 'an ISO 9660 image', offset: 32769, magic: ['CD001'] },
  { name: 'a BTRFS file system', offset: 65600, magic: ['_BHRfS_M'] },
  { name: 'a QCOW2 image', magic: ['QFI\xfb'] },
  { name: 'a VMDK image', magic: ['KDMV'] },
  { name: 'a VHDX image', magic: ['vhdxfile'] },
  { name: 'a program (ELF)', magic: ['\x7fELF'] },
  { name: 'a web page', magic: ['<!DOCTYPE', '<!doctype', '<html'] },
  { name: 'a pointer of Git LFS, not the file itself', magic: ['version https://git-lfs.github.com/'] },
  { name: 'a disk image or a FAT file system', offset: 510, magic: ['\x55\xaa'] },
]

/** Bytes that suffice to recognise every one of them. */
export const FOREIGN_START = 65608

/**
 * What begins with `start`.
 *
 * @returns with its article; undefined when it is nothing that is known
 * @example
 * foreignFormatOf(bytes) // 'a squashfs image'
 */
export function foreignFormatOf(start: Uint8Array): string | undefined {
  return FORMATS.find(({ offset = 0, magic }) => magic.some((text) => hasText(start, offset, text)))?.name
}

function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}
