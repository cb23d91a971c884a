/** `diskwright boot`, with programs in place of QEMU's that say what they were asked, and do as they would. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { buildImage } from 'diskwright'
import { describe, expect, test } from 'vitest'
import { inFolder } from '../images/build.ts'
import { diskwright, MAIN, type Outcome } from './diskwright.ts'

/** Disks are copies here. `$asked` is the folder for what the tests want to know. */
const QEMU_IMG = `#!/bin/sh
echo "$@" >> "$asked/qemu-img"
case "$1" in
  create) cp "$6" "$9" ;;
  convert) cp "$6" "$7" ;;
esac
`

/** Keeps what it was given, writes to flash memory as firmware does, and does what \`$does\` says. */
const QEMU = `#!/bin/sh
echo "$@" > "$asked/qemu"
echo "$0" > "$asked/program"
echo $$ > "$asked/pid"
for word in "$@"; do
  case "$word" in
    file=*,if=pflash,unit=*)
      flash=\${word#file=}; flash=\${flash%%,*}
      unit=\${word#*unit=}; cp "$flash" "$asked/flash\${unit%%,*}"
      case "$word" in *readonly=on*) ;; *) echo written >> "$flash" ;; esac ;;
    file=*) disk=\${word#file=}; cp "\${disk%%,*}" "$asked/disk" ;;
    */u-boot.bin) cp "$word" "$asked/uboot" ;;
    */machine.dtb) cp "$word" "$asked/dtb" ;;
  esac
done
printf 'U-Boot says: lo'
case "$does" in
  fail) echo 'qemu: no such machine' >&2; exit 3 ;;
  hang) echo; exec sleep 60 ;;
  login) sleep 0.2; echo gin:; exec sleep 60 ;;
  *) echo; echo off ;;
esac
`

interface Setting {
  folder: string
  /** Of an image with a FAT partition and a BTRFS one. */
  image: string
  boot: (does: string, ...args: string[]) => Promise<Outcome>
  asked: (name: string) => string
  /** Temporary files that are left. */
  left: () => string[]
  env: Record<string, string>
}

/** Works with an image and programs in place of QEMU's. */
function inSetting(work: (setting: Setting) => Promise<void>, firmware = FIRMWARE): Promise<void> {
  return inFolder(async (folder) => {
    for (const name of ['bin', 'asked', 'tmp', 'firmware']) mkdirSync(join(folder, name))
    const programs = { 'qemu-img': QEMU_IMG, 'qemu-system-aarch64': QEMU, 'qemu-system-x86_64': QEMU }
    for (const [name, script] of Object.entries(programs)) {
      writeFileSync(join(folder, 'bin', name), script)
      chmodSync(join(folder, 'bin', name), 0o755)
    }
    for (const [name, content] of Object.entries(firmware)) {
      mkdirSync(dirname(join(folder, 'firmware', name)), { recursive: true })
      writeFileSync(join(folder, 'firmware', name), content)
    }
    const image = join(folder, 'disk.img')
    await buildImage(
      {
        table: { type: 'mbr' },
        partitions: [
          { type: 'fat32', size: '34MiB', sources: [{ directory: 'firmware' }] },
          { type: 'btrfs', size: 'fit' },
        ],
      },
      { output: image, baseDirectory: folder },
    )
    const env = {
      PATH: [join(folder, 'bin'), process.env.PATH].join(delimiter),
      TMPDIR: join(folder, 'tmp'),
      XDG_CONFIG_HOME: join(folder, 'config'),
      asked: join(folder, 'asked'),
    }
    await work({
      folder,
      image,
      env,
      boot: (does, ...args) => diskwright(['boot', ...args], { cwd: folder, env: { ...env, does } }),
      asked: (name) => readFileSync(join(folder, 'asked', name), 'latin1'),
      left: () => readdirSync(join(folder, 'tmp')),
    })
  })
}

const FIRMWARE: Record<string, string> = {
  'config.txt': '[pi4]\nkernel=other.bin\n[pi3]\nkernel=u-boot-rpi3.bin\n[all]\narm_64bit=1\n',
  'u-boot-rpi3.bin': 'U-Boot for a 3',
  'bcm2710-rpi-3-b.dtb': 'a device tree',
}

describe('an image is booted', () => {
  test('with U-Boot and device tree of its FAT partition, on a disk of the next size; nothing is left', () =>
    inSetting(async ({ image, boot, asked, left }) => {
      const before = readFileSync(image)
      const { exit, stdout, stderr } = await boot('', image)
      expect({ exit, stdout, stderr }).toEqual({
        exit: 0,
        stdout: 'U-Boot says: lo\noff\n',
        stderr: 'diskwright: note: chose --machine raspi3b: /config.txt on partition 1\n',
      })
      expect(asked('uboot')).toBe('U-Boot for a 3')
      expect(asked('dtb')).toBe('a device tree')
      expect(asked('qemu')).toMatch(/^-machine raspi3b /)
      expect(asked('qemu-img')).toMatch(new RegExp(`-b ${image} -F raw \\S+/disk.qcow2 ${2 ** 28}\\n$`))
      expect(readFileSync(image).equals(before)).toBe(true)
      expect(left()).toEqual([])
    }))

  test('compressed, and what it leaves is kept', () =>
    inSetting(async ({ folder, image, boot, left }) => {
      const packed = join(folder, 'disk.img.zst')
      await buildImage(
        {
          table: { type: 'mbr' },
          partitions: [
            { type: 'fat32', size: '34MiB', sources: [{ directory: 'firmware' }] },
            { type: 'btrfs', size: 'fit' },
          ],
        },
        { output: packed, baseDirectory: folder },
      )
      const { exit, stdout } = await boot('', packed, '--keep', 'kept.img', '--disk-size', '1GiB', '--json')
      expect(exit).toBe(0)
      expect(JSON.parse(stdout)).toEqual({ machine: 'raspi3b', outcome: 'ended', diskSize: 2 ** 30 })
      const content = readFileSync(image)
      expect(readFileSync(join(folder, 'asked/disk')).equals(content)).toBe(true)
      expect(readFileSync(join(folder, 'kept.img')).equals(content)).toBe(true)
      expect(left()).toEqual([])
    }))

  test('until a text appears, in two pieces', () =>
    inSetting(async ({ image, boot, asked, left }) => {
      const { exit, stdout } = await boot('login', image, '--expect', 'login:', '--timeout', '30')
      expect({ exit, stdout }).toEqual({ exit: 0, stdout: 'U-Boot says: login:\n' })
      expect(isRunning(Number(asked('pid')))).toBe(false)
      expect(left()).toEqual([])
    }))
})

interface Described {
  architecture?: string
  machines?: string[]
  features?: string[]
  code: string
  vars: string
}

/** What a package says of its firmware: by default what Debian's `ovmf` says. */
function describeFirmware(folder: string, name: string, described: Described): void {
  const { architecture = 'x86_64', machines = ['pc-i440fx-*', 'pc-q35-*'], features = [] } = described
  mkdirSync(folder, { recursive: true })
  const file = (filename: string) => ({ filename, format: 'raw' })
  const mapping = {
    device: 'flash',
    executable: file(described.code),
    'nvram-template': file(described.vars),
  }
  const targets = [{ architecture, machines }]
  const text = JSON.stringify({ 'interface-types': ['uefi'], mapping, targets, features, tags: [] })
  writeFileSync(join(folder, name), text)
}

describe('UEFI firmware', () => {
  /** Beside the programs in place of QEMU's, as packages install it. */
  function installFirmware(folder: string): (name: string) => string {
    const descriptions = join(folder, 'share/qemu/firmware')
    const file = (name: string) => join(folder, name)
    for (const name of ['code', 'vars', 'arm-code', 'arm-vars', 'secure']) writeFileSync(file(name), name)
    describeFirmware(descriptions, '40-secure.json', {
      features: ['secure-boot'],
      code: file('secure'),
      vars: file('vars'),
    })
    describeFirmware(descriptions, '45-gone.json', { code: file('gone'), vars: file('vars') })
    writeFileSync(join(descriptions, '46-broken.json'), '{ "mapping": ')
    describeFirmware(descriptions, '50-arm.json', {
      architecture: 'aarch64',
      machines: ['virt-*'],
      code: file('arm-code'),
      vars: file('arm-vars'),
    })
    describeFirmware(descriptions, '60-pc.json', { code: file('code'), vars: file('vars') })
    return file
  }

  test.each([
    ['q35', 'qemu-system-x86_64', 'code', 'vars'],
    ['virt-uefi', 'qemu-system-aarch64', 'arm-code', 'arm-vars'],
  ])('%s is started with what its package describes, and with variables of its own', (...row) =>
    inSetting(async ({ folder, image, boot, asked, left }) => {
      const [machine, program, code, vars] = row
      const file = installFirmware(folder)
      const { exit, stderr } = await boot('', image, '--machine', machine)
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
      expect(asked('program')).toBe(`${join(folder, 'bin', program)}\n`)
      expect([asked('flash0'), asked('flash1')]).toEqual([code, vars])
      expect(readFileSync(file(code), 'utf8')).toBe(code)
      expect(readFileSync(file(vars), 'utf8')).toBe(vars)
      expect(left()).toEqual([])
    }),
  )

  test('a PC is chosen for an image with a program for its firmware', () =>
    inSetting(
      async ({ folder, image, boot, asked }) => {
        installFirmware(folder)
        const { exit, stderr, stdout } = await boot('', image, '--json')
        expect(exit).toBe(0)
        expect(stderr).toMatch(
          /^diskwright: note: chose --machine q35: \/EFI\/BOOT\/BOOTX64.EFI on partition 1\n/,
        )
        expect(JSON.parse(stdout)).toMatchObject({ machine: 'q35' })
        expect(asked('program')).toBe(`${join(folder, 'bin/qemu-system-x86_64')}\n`)
        expect((await boot('', image, '--uboot', image)).stderr).toMatch(
          /^diskwright: the image is for the machine q35 \(.*\), for which uboot must not be given\n$/,
        )
      },
      { 'EFI/BOOT/BOOTX64.EFI': 'program' },
    ))

  test("a user's description goes before one of a package, and hides one of its name", () =>
    inSetting(async ({ folder, image, boot, asked }) => {
      const file = installFirmware(folder)
      const own = join(folder, 'config/qemu/firmware')
      writeFileSync(file('own'), 'own')
      describeFirmware(own, '55-own.json', { code: file('own'), vars: file('vars') })
      await boot('', image, '--machine', 'q35')
      expect(asked('flash0')).toBe('own')
      writeFileSync(join(own, '55-own.json'), '')
      await boot('', image, '--machine', 'q35')
      expect(asked('flash0')).toBe('code')
    }))

  test('a file that is given takes its place, and is only read; that of virt-uefi fills the flash', () =>
    inSetting(async ({ folder, image, boot, asked }) => {
      installFirmware(folder)
      writeFileSync(join(folder, 'given.fd'), 'given')
      await boot('', image, '--machine', 'q35', '--firmware', 'given.fd')
      expect(asked('flash0')).toBe('given')
      expect(asked('qemu')).not.toContain('unit=1')
      await boot('', image, '--machine', 'virt-uefi', '--firmware', 'given.fd')
      expect(asked('flash0')).toBe('given'.padEnd(64 * 2 ** 20, '\0'))
      expect(readFileSync(join(folder, 'given.fd'), 'utf8')).toBe('given')
    }))

  test.each([
    ['q35', 'ovmf'],
    ['virt-uefi', 'qemu-efi-aarch64'],
  ])('%s without it: the package is named', (machine, name) =>
    inSetting(async ({ image, boot, left }) => {
      const { exit, stderr } = await boot('', image, '--machine', machine)
      expect({ exit, stderr }).toEqual({
        exit: 1,
        stderr: `diskwright: there is no UEFI firmware for QEMU (Debian: apt install ${name}); without it firmware must be given\n`,
      })
      expect(left()).toEqual([])
    }),
  )
})

/** Whether a process is there. */
function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}

describe('it is an error', () => {
  test.each([
    [
      'the text never appears',
      'off',
      ['--expect', 'login:'],
      'the machine ended, and "login:" did not appear',
    ],
    [
      'nor in time',
      'hang',
      ['--expect', 'login:', '--timeout', '1'],
      '"login:" did not appear after 1 second',
    ],
    ['it does not end in time', 'hang', ['--timeout', '1'], 'the machine was still running after 1 second'],
  ])('when %s', (_, does, args, message) =>
    inSetting(async ({ image, boot, asked, left }) => {
      const { exit, stderr } = await boot(does, image, '--machine', 'raspi3b', ...args)
      expect({ exit, stderr }).toEqual({ exit: 1, stderr: `diskwright: ${message}\n` })
      expect(isRunning(Number(asked('pid')))).toBe(false)
      expect(left()).toEqual([])
    }),
  )

  test('when QEMU fails, with its own words', () =>
    inSetting(async ({ image, boot, left }) => {
      const { exit, stderr } = await boot('fail', image, '--machine', 'raspi3b')
      expect(exit).toBe(1)
      expect(stderr).toMatch(
        /^diskwright: \S+qemu-system-aarch64 ended with code 3: qemu: no such machine\n$/,
      )
      expect(left()).toEqual([])
    }))

  test.each([
    ['raspi3b', 'qemu-system-aarch64', 'qemu-system-arm'],
    ['q35', 'qemu-system-x86_64', 'qemu-system-x86'],
  ])('when there is no QEMU for %s: the package is named', (machine, program, name) =>
    inSetting(async ({ folder, image }) => {
      const env = { PATH: join(folder, 'tmp') }
      const { exit, stderr } = await diskwright(['boot', image, '--machine', machine], { cwd: folder, env })
      expect({ exit, stderr }).toEqual({
        exit: 1,
        stderr: `diskwright: ${program} is not on PATH: QEMU is needed (Debian: apt install ${name})\n`,
      })
    }),
  )

  test.each<[string, Record<string, string>, string]>([
    [
      'no kernel= for a 3',
      { 'config.txt': '[pi4]\nkernel=other.bin\n' },
      'config.txt of the image has no kernel= for a Raspberry Pi 3; without it uboot must be given',
    ],
    [
      'no U-Boot',
      { 'config.txt': 'kernel=u-boot.bin\n' },
      'config.txt of the image names u-boot.bin, which is not there; without it uboot must be given',
    ],
    [
      'no device tree',
      { 'config.txt': 'kernel=u-boot.bin\n', 'u-boot.bin': 'U-Boot' },
      "there is no bcm2710-rpi-3-b.dtb or bcm2837-rpi-3-b.dtb on the image's FAT partition; without one dtb must be given",
    ],
  ])('when the image has %s', (_, firmware, message) =>
    inSetting(async ({ image, boot, left }) => {
      const { exit, stderr } = await boot('', image)
      const note = 'diskwright: note: chose --machine raspi3b: /config.txt on partition 1\n'
      expect({ exit, stderr }).toEqual({ exit: 1, stderr: `${note}diskwright: ${message}\n` })
      expect((await boot('', image, '--machine', 'raspi3b')).stderr).toBe(`diskwright: ${message}\n`)
      expect(left()).toEqual([])
    }, firmware),
  )

  test('when nothing says which machine boots it', () =>
    inSetting(async ({ image, boot, left }) => {
      const { exit, stderr } = await boot('', image)
      expect(exit).toBe(1)
      expect(stderr).toMatch(
        /^diskwright: nothing on the image says .*q35.*virt-uefi.*raspi3b.*virt\); machine must be given\n$/,
      )
      expect((await boot('', image, '--machine', 'raspi3b')).stderr).toBe(
        'diskwright: no FAT partition of the image has a config.txt; without one uboot and dtb must be given\n',
      )
      expect(left()).toEqual([])
    }, {}))

  test('when there is no image, no U-Boot, too small a disk, or a file where it is to be kept', () =>
    inSetting(async ({ image, boot }) => {
      const said = async (...args: string[]) => (await boot('', ...args)).stderr
      expect(await said('nothing.img')).toBe('diskwright: nothing.img: no such file\n')
      expect(await said(image, '--uboot', 'none.bin')).toBe('diskwright: none.bin: no such file\n')
      expect(await said(image, '--machine', 'q35', '--firmware', 'none.fd')).toBe(
        'diskwright: none.fd: no such file\n',
      )
      expect(await said(image, '--disk-size', '1MiB')).toMatch(/disk\.img does not fit: \d+ bytes needed/)
      expect(await said(image, '--keep', 'firmware')).toBe(
        'diskwright: firmware: expected a file, found a directory\n',
      )
    }))

  test.each([
    [['--machine', 'virt'], '--machine virt needs --uboot'],
    [['--machine', 'raspi3b', '--memory', '512'], 'a raspi3b has 1024 MiB of memory'],
    [['--keep', './disk.img'], '--keep must not name the image itself'],
    [['--machine', 'pc'], 'Allowed choices are raspi3b, virt, virt-uefi, q35'],
    [['--machine', 'raspi3b', '--firmware', 'OVMF.fd'], '--firmware is not for --machine raspi3b'],
    [['--machine', 'q35', '--uboot', 'u-boot.bin'], '--uboot is not for --machine q35'],
    [['--ssh-port', '70000'], 'Expected a whole number from 1 to 65535'],
    [['--disk-size', '1GB'], 'Expected bytes, or a size like 512MiB'],
  ])('of usage: %s', async (args, message) => {
    const { exit, stderr } = await diskwright(['boot', 'disk.img', ...args])
    expect(exit).toBe(2)
    expect(stderr).toContain(message)
  })
})

test('a signal ends the machine, and nothing is left', () =>
  inSetting(async ({ folder, image, env, asked, left }) => {
    const child = spawn(process.execPath, [MAIN, 'boot', image, '--keep', 'kept.img'], {
      cwd: folder,
      env: { ...process.env, ...env, does: 'hang' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const ended = new Promise((resolve) => child.on('close', (code) => resolve(code)))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(isRunning(Number(asked('pid')))).toBe(false)
    expect(left()).toEqual([])
    expect(readdirSync(folder).filter((name) => name.includes('kept'))).toEqual([])
  }))
