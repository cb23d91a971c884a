import { PLAIN_FORM } from '../../../src/file-tree/file-layout.ts'
import { fromText, toBytes, toLatin1, type ByteString } from '../../../src/lib/byte-string.ts'
import type { BootPartition, BootTree, SystemFiles } from '../../../src/uboot/boot-tree.ts'
import {
  configTxtProblems,
  parseConfigTxt,
  settingFor,
  versionsOf,
  PI_VERSIONS,
} from '../../../src/uboot/config-txt.ts'
import { parseExtlinux } from '../../../src/uboot/extlinux.ts'
import { lintBoot } from '../../../src/uboot/lint.ts'
import { Violation, words, type FuzzTarget } from '../target.ts'

/** Between the files of an input: the menu, config.txt, the fstab of the system. */
const SEPARATOR = '\x1e'

const MENU = `# comment
DEFAULT a
MENU TITLE title
TIMEOUT 50
LABEL a
  MENU LABEL first
  LINUX ../Image
  INITRD ../initrd
  APPEND init=/nix/store/0-system/init root=fstab rootflags=noatime,subvol=@
  FDTDIR ../dtbs
LABEL b
  KERNEL /boot/Image#conf-1
  FDT ../dtbs/a.dtb
  FDTOVERLAYS a.dtbo b.dtbo
  APPEND root="LABEL=ROOT" quiet
include other.conf
`
const CONFIG = '[pi3]\nkernel=u-boot-rpi3.bin\n[pi4]\nkernel=u-boot.bin\n[all]\narm_64bit=1\nenable_uart=1\n'
const FSTAB =
  'LABEL=ROOT / btrfs subvol=/@,noatime 0 0\n# c\nUUID=1234-ABCD /boot\\040x vfat defaults,nofail 0 2\n'

/** extlinux.conf, config.txt, command lines and fstab, and the check of an image that has them. */
export const extlinux: FuzzTarget = {
  name: 'extlinux',
  executions: 5000,
  maxLength: 4096,
  dictionary: words(
    ...[
      'default ',
      'label ',
      'menu ',
      'menu label ',
      'kernel ',
      'linux ',
      'initrd ',
      'append ',
      'fdt ',
      'fdtdir ',
    ],
    ...[
      'fdtoverlays ',
      'localboot 1',
      'include ',
      'timeout ',
      'prompt ',
      'ontimeout ',
      'say ',
      '../',
      '/',
      '#',
    ],
    ...[
      'root=',
      'LABEL=',
      'UUID=',
      'PARTUUID=',
      'PARTLABEL=',
      '/dev/mmcblk0p2',
      '/dev/disk/by-label/',
      'fstab',
    ],
    ...['rootflags=', 'subvol=', 'subvolid=', 'init=', '"', '\\040', ' ', '\t', '\r', '\n', '\0', SEPARATOR],
    ...['[pi3]', '[pi4]', '[all]', '[none]', 'kernel=', 'arm_64bit=', 'dtoverlay=', 'include ', '='],
  ),
  seeds: () => words([MENU, CONFIG, FSTAB].join(SEPARATOR), MENU.replaceAll('\n', '\r\n')),
  async run(input) {
    const [menu, config = CONFIG, fstab = FSTAB] = Buffer.from(input).toString('latin1').split(SEPARATOR)
    // Whatever a file holds, it is read, and what is wrong with it is told.
    try {
      parseExtlinux(menu)
      const lines = parseConfigTxt(config)
      versionsOf(lines)
      for (const version of PI_VERSIONS) settingFor(lines, version, 'kernel')
      configTxtProblems(config)
      await lintBoot(partitionsWith(menu, config, fstab), { uboot: undefined })
    } catch (error) {
      throw new Violation(`it is refused: ${(error as Error).stack}`)
    }
  },
}

function partitionsWith(menu: string, config: string, fstab: string): BootPartition[] {
  const boot = { 'boot/extlinux/extlinux.conf': menu, 'boot/Image': 'kernel', 'boot/dtbs/a.dtb': 'tree' }
  return [
    {
      ...{ number: 1, bootable: false, type: 'fat', label: 'FIRMWARE', uuid: '1234-ABCD' },
      partUuid: '2178694e-01',
      tree: treeOf({ 'config.txt': config, 'u-boot.bin': 'u-boot' }),
    },
    {
      ...{ number: 2, bootable: true, type: 'btrfs', label: 'ROOT' },
      uuid: '44444444-4444-4444-8888-888888888889',
      partUuid: '2178694e-02',
      tree: treeOf(boot),
      btrfs: {
        ...{ checksum: 'crc32c', dataProfiles: ['single'], features: ['no_holes'] },
        ...{ subvolumes: ['@', '@boot'], defaultSubvolume: '' },
      },
      systems: [systemWith(fstab)],
    },
  ]
}

function treeOf(files: Record<string, string>): BootTree {
  const bytes = (path: ByteString) => toBytes(files[toLatin1(path)])
  return {
    find: (path) =>
      Promise.resolve(
        Object.hasOwn(files, toLatin1(path)) ? { path, type: 'file', size: bytes(path).length } : undefined,
      ),
    list: () => Promise.resolve([]),
    read: ({ path }, length) => Promise.resolve(bytes(path).subarray(0, length)),
    form: () => Promise.resolve(PLAIN_FORM),
  }
}

/** The fstab, behind a symlink that its first line may be. */
function systemWith(fstab: string): SystemFiles {
  return {
    look(path) {
      const name = toLatin1(path).split('/').at(-1)
      if (name === 'etc' && fstab.startsWith('->')) {
        return Promise.resolve({ type: 'symlink', target: fromText(fstab.split('\n')[0].slice(2)) })
      }
      return Promise.resolve(
        name === 'fstab'
          ? { type: 'file', content: () => Promise.resolve(Buffer.from(fstab, 'latin1')) }
          : { type: 'directory' },
      )
    },
  }
}
