/** The entries of NixOS 26.11, compared with those that its own systemd-boot-builder writes. */
import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromBytes, toLatin1 } from '../../src/lib/byte-string.ts'
import { nixosEntries } from '../../src/uboot/bls/nixos-entries.ts'
import { hasNixpkgs, NIXPKGS } from '../judges/nixpkgs.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { systemTree } from './system-trees.ts'

const HASH = '0123456789abcdfghijklmnpqrsvwxyz'
const store = (name: string) => `nix/store/${HASH}-${name}`
const SYSTEM = store('nixos-system-b-26.11')
const OLDER = store('nixos-system-a-26.11')
const SPECIAL = store('nixos-system-b-special')

const bootspec = (toplevel: string, more = {}) => ({
  'org.nixos.bootspec.v1': {
    ...{ init: `/${toplevel}/init`, toplevel: `/${toplevel}`, system: 'x86_64-linux' },
    ...{ initrd: `/${store('initrd')}/initrd`, kernel: `/${store('linux-6.18')}/bzImage` },
    ...{ kernelParams: ['console=tty0', 'root=fstab', 'loglevel=4'], label: 'NixOS 26.11 (Linux 6.18)' },
  },
  'org.nixos.specialisation.v1': {},
  ...more,
})
const FILES: Record<string, string> = {
  [`${store('linux-6.18')}/bzImage`]: 'kernel',
  [`${store('initrd')}/initrd`]: 'initrd',
  [store('board.dtb')]: 'tree',
  [`${SYSTEM}/init`]: '#!',
  [`${SYSTEM}/etc/os-release`]: 'ID=nixos\nVERSION_ID="26.11"\n',
  [`${SYSTEM}/boot.json`]: JSON.stringify(
    bootspec(SYSTEM, {
      'org.nixos.specialisation.v1': { special: bootspec(SPECIAL) },
      'org.nixos.systemd-boot': { sortKey: 'z-nixos', devicetree: `/${store('board.dtb')}` },
    }),
  ),
  [`${SYSTEM}/systemd`]: `-> /${store('systemd')}`,
  [`${store('systemd')}/lib/systemd/boot/efi/systemd-bootx64.efi`]: 'loader',
  [`${SYSTEM}/specialisation/special`]: `-> /${SPECIAL}`,
  [`${SPECIAL}/init`]: '#!',
  [`${OLDER}/init`]: '#!',
  [`${OLDER}/boot.json`]: JSON.stringify(bootspec(OLDER)),
  'nix/var/nix/profiles/system': '-> system-2-link',
  'nix/var/nix/profiles/system-1-link': `-> /${OLDER}`,
  'nix/var/nix/profiles/system-2-link': `-> /${SYSTEM}`,
}

/** What the builder asks other programs for. Its own Python is newer than some machines'. */
const SHIM = `import os, pathlib
if not hasattr(pathlib.Path, "walk"):
    pathlib.Path.walk = lambda self, top_down=True: ((pathlib.Path(r), d, f) for r, d, f in os.walk(self, topdown=top_down))
`
const STUBS: Record<string, string> = {
  'stub/bin/bootctl': `#!/bin/sh\ncat > /dev/null\nprintf '{"parameters":{}}\\0'\n`,
  'stub/bin/nix-env': `#!/bin/sh\necho '   1   2026-01-01 00:00:00   '\necho '   2   2026-01-01 00:00:00   (current)'\n`,
}

interface Settings {
  tries?: number
  editor?: boolean
  machineId?: string
}

function builderOf({ tries, editor = true }: Settings): string {
  const values: Record<string, string> = {
    ...{
      python3: '/usr',
      efiSysMountPoint: '/boot',
      bootMountPoint: '/boot',
      nixosDir: '/EFI/nixos',
      timeout: '5',
    },
    ...{
      editor: editor ? '1' : '',
      consoleMode: 'keep',
      distroName: 'NixOS',
      nix: '/stub',
      systemd: '/stub',
    },
    ...{ configurationLimit: '0', rebootForBitlocker: '', canTouchEfiVariables: '', graceful: '' },
    ...{ copyExtraFiles: '/bin/true', checkMountpoints: '/bin/true', storeDir: '/nix/store' },
    ...{ bootCountingTries: String(tries ?? 3), bootCounting: tries === undefined ? 'False' : 'True' },
  }
  const path = 'nixos/modules/system/boot/loader/systemd-boot/systemd-boot-builder.py'
  const text = readFileSync(join(NIXPKGS!, path), 'utf8')
  return SHIM + text.replace(/@(\w+)@/g, (_, name: string) => values[name]).replace(/^type (\w+ = )/gm, '$1')
}

/** Runs the builder where its paths are those of a machine. */
function runBuilder(settings: Settings): { files: Record<string, string>; builtAt: number } {
  const root = mkdtempSync(join(tmpdir(), 'diskwright-builder-'))
  try {
    const put = (path: string, content: string, mode = 0o644) => {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      if (content.startsWith('-> ')) symlinkSync(content.slice(3), join(root, path))
      else writeFileSync(join(root, path), content, { mode })
    }
    for (const [path, content] of Object.entries(filesOf(settings))) put(path, content)
    for (const [path, content] of Object.entries(STUBS)) put(path, content, 0o755)
    for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name))
    for (const name of ['usr', 'dev', 'boot/loader', 'etc']) mkdirSync(join(root, name), { recursive: true })
    put('builder.py', builderOf(settings))
    const { status, stderr } = spawnSync(
      'unshare',
      [
        ...['--mount', '--propagation', 'private', 'bash', '-c'],
        'mount --rbind /usr "$0/usr"; mount --rbind /dev "$0/dev"; exec chroot "$0" env -i PATH=/usr/bin:/bin TZ=UTC python3 /builder.py "$1"',
        ...[root, `/${SYSTEM}`],
      ],
      { encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(`the builder ends with ${status}: ${stderr}`)
    const names = readdirSync(join(root, 'boot'), { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    )
    const files = names.map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [path.slice(`${root}/boot/`.length), readFileSync(path, 'utf8')]
    })
    return {
      files: Object.fromEntries(files) as Record<string, string>,
      builtAt: Math.floor(statSync(join(root, SYSTEM)).ctimeMs / 1000),
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

const filesOf = ({ machineId }: Settings) => ({
  ...FILES,
  ...(machineId !== undefined && { 'etc/machine-id': `${machineId}\n` }),
})

async function ours(settings: Settings, builtAt: number): Promise<Record<string, string>> {
  const tree = await systemTree(filesOf(settings))
  const made = await nixosEntries(tree, {
    ...{
      toplevel: SYSTEM,
      generations: 20,
      builtAt,
      timeout: 5,
      editor: settings.editor ?? true,
      consoleMode: 'keep',
    },
    ...{ tries: settings.tries, slot: undefined, cmdline: undefined, program: undefined },
  })
  return Object.fromEntries(
    made
      // bootctl brings itself.
      .filter(({ path }) => !/^EFI\/(systemd|BOOT)|srel$/.test(toLatin1(path)))
      .map((file) => [
        toLatin1(file.path),
        'content' in file ? toLatin1(fromBytes(file.content)) : FILES[toLatin1(file.from)],
      ]),
  )
}

const canRun = [hasNixpkgs(), requireJudge('python3'), process.getuid?.() === 0].every(Boolean)

describe.skipIf(!canRun)('NixOS 26.11', () => {
  test.each<Settings>([{}, { editor: false, machineId: '0123456789abcdef0123456789abcdef' }, { tries: 2 }])(
    'writes the same files: %o',
    async (settings) => {
      const { files, builtAt } = runBuilder(settings)
      expect(Object.keys(files).filter((name) => name.startsWith('loader/entries/'))).toHaveLength(3)
      expect(await ours(settings, builtAt)).toEqual(files)
    },
  )
})
