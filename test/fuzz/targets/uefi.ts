import { blobFindings } from '../../../src/uboot/blobs/lint-blobs.ts'
import { parseBlsEntry } from '../../../src/uboot/bls/entry.ts'
import { parseEntryName } from '../../../src/uboot/bls/file-name.ts'
import { parseLoaderConf } from '../../../src/uboot/bls/loader-conf.ts'
import { compareVersions, matches } from '../../../src/uboot/bls/order.ts'
import { parsePe } from '../../../src/uboot/uefi/pe.ts'
import { Violation, words, type FuzzTarget } from '../target.ts'

/** Between the parts of an input: an entry, a loader.conf, bytes of a program or of the start of a disk. */
const SEPARATOR = '\x1e'

const ENTRY = `title NixOS
sort-key nixos
version Generation 1
linux /EFI/nixos/kernel.efi
initrd /EFI/nixos/initrd.efi
options init=/init root=LABEL=ROOT
machine-id 0123456789abcdef0123456789abcdef
`
const CONF = 'timeout 5\ndefault nixos-generation-[0-9]*\neditor 0\nconsole-mode keep\n'
const PROGRAM = `MZ${'\0'.repeat(58)}\x40\0\0\0PE\0\0\x64\x86\x02\0${'\0'.repeat(12)}\xf0\0\x06\x02\x0b\x02${'\0'.repeat(600)}`

/** Entries and settings of systemd-boot, EFI programs, and boot loaders outside of file systems. */
export const uefi: FuzzTarget = {
  name: 'uefi',
  executions: 5000,
  maxLength: 4096,
  dictionary: words(
    ...[
      'title ',
      'version ',
      'linux ',
      'initrd ',
      'options ',
      'devicetree ',
      'architecture ',
      'default ',
      'timeout ',
    ],
    ...[
      'MZ',
      'PE\0\0',
      'RKNS',
      '\x3b\x8c\xdc\xfc',
      'eGON.BT0',
      '\xd1\0\x20\x41',
      '\0\x10\x01\x87',
      '+3-1.conf',
      '*',
      '[',
      ']',
    ],
    ...['~', '^', '\n', '\r', ' ', '\t', '"', SEPARATOR],
  ),
  seeds: () =>
    words(
      [ENTRY, CONF, PROGRAM].join(SEPARATOR),
      [ENTRY, CONF, `\0\0\0\0eGON.BT0${'\0'.repeat(600)}`].join(SEPARATOR),
    ),
  async run(input) {
    const [entry, conf = CONF, program = PROGRAM] = Buffer.from(input).toString('latin1').split(SEPARATOR)
    const bytes = new Uint8Array(Buffer.from(program, 'latin1'))
    // Whatever there is, it is read, and what is wrong with it is told.
    try {
      const { version = '', title = '' } = parseBlsEntry(entry)
      const { default: pattern = '' } = parseLoaderConf(conf)
      parseEntryName(title)
      matches(pattern, title)
      if (compareVersions(version, title) + compareVersions(title, version) !== 0) {
        throw new Violation(`the order of ${JSON.stringify(version)} and ${JSON.stringify(title)} is none`)
      }
      parsePe(bytes)
      const read = (offset: number, length: number) =>
        Promise.resolve(bytes.subarray(offset, offset + length))
      await blobFindings({ table: 'none', read })
    } catch (error) {
      if (error instanceof Violation) throw error
      throw new Violation(`it is refused: ${(error as Error).stack}`)
    }
  },
}
