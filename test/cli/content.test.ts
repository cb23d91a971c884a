/** Images of content: `build rootfs.tar`, and the description that `init` writes of it. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { peImage, SYSTEMD_BOOT } from '../images/pe.ts'
import { buildTar, type TarInput } from '../tar/build-tar.ts'
import { diskwright } from './diskwright.ts'

const file = (path: string, content: string | Uint8Array = ''): TarInput => ({ path, type: 'file', content })
const RELEASE = file('usr/lib/os-release', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n')
const CONTAINER = [file('etc/hostname', 'x\n'), RELEASE, file('usr/lib/ld-linux-aarch64.so.1')]
const DEBIAN = [
  ...CONTAINER,
  file('boot/vmlinuz-6.1.0-25-arm64', peImage({ machine: 'aa64' })),
  file('boot/initrd.img-6.1.0-25-arm64', 'initrd'),
  file('usr/lib/systemd/boot/efi/systemd-bootaa64.efi', peImage({ machine: 'aa64', sections: SYSTEMD_BOOT })),
]
const UEFI = [
  'debian.tar: Debian GNU/Linux 12 (bookworm) for arm64, with the kernel 6.1.0-25-arm64 and systemd-boot',
  'chose --preset uefi --linux --arch arm64: systemd-boot starts its kernel on a machine with UEFI',
]
const notes = (...lines: string[]) => lines.map((line) => `diskwright: note: ${line}\n`).join('')

let folder: string
const at = (name: string) => join(folder, name)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-content-'))
  writeFileSync(at('debian.tar'), buildTar(DEBIAN))
  writeFileSync(at('container.tar.gz'), gzipSync(buildTar(CONTAINER)))
  writeFileSync(at('docker.tar'), buildTar([file('oci-layout', '{}'), file('index.json', '{}')]))
  writeFileSync(at('nix.tar'), buildTar([...DEBIAN, file(`nix/store/${'0'.repeat(32)}-hello/bin/hello`)]))
  writeFileSync(at('photos.tar'), buildTar([file('a.jpg', 'x')]))
  writeFileSync(at('image.json'), JSON.stringify({ table: { type: 'mbr' }, partitions: [] }))
  writeFileSync(at('disk.squashfs'), Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(4096)]))
  mkdirSync(at('rootfs/etc'), { recursive: true })
  mkdirSync(at('rootfs/usr'))
  mkdirSync(at('cache'))
  writeFileSync(at('cache/nix-cache-info'), '')
  const system = `${'0'.repeat(32)}-nixos-system-pi`
  mkdirSync(at(system))
  symlinkSync(system, at('result'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const run = (args: string[], input?: Buffer) => diskwright(args, { cwd: folder, ...(input && { input }) })

describe('diskwright build CONTENT', () => {
  it('says what is in an archive, and which preset it has chosen for it', async () => {
    const { exit, stdout, stderr } = await run(['build', 'debian.tar', '-o', 'a.img', '--json'])
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: notes(...UEFI) })
    expect(JSON.parse(stdout)).toMatchObject({
      table: { type: 'gpt' },
      partitions: [{ type: 'fat32' }, { type: 'btrfs', label: 'ROOT' }],
    })
  })

  it('takes a compressed archive, and says that the image does not boot', async () => {
    const { exit, stderr } = await run(['build', 'container.tar.gz', '-o', 'b.img'])
    expect({ exit, stderr }).toEqual({
      exit: 0,
      stderr: notes(
        'container.tar.gz: Debian GNU/Linux 12 (bookworm) for arm64',
        'chose --preset plain: there is no kernel in it',
        'the image does not boot',
      ),
    })
  })

  it('takes a directory, and says that owners are lost', async () => {
    const { exit, stderr } = await run(['build', 'rootfs', '-o', 'c.img'])
    expect(exit).toBe(0)
    expect(stderr).toContain(
      notes(
        'all files will belong to root: a tar archive keeps owners, and so does "owner": "keep" in a description',
      ),
    )
  })

  it('says nothing of it with --quiet', async () => {
    const built = await run(['build', 'photos.tar', '-o', 'd.img', '--quiet'])
    expect(built).toEqual({ exit: 0, stdout: '', stderr: '' })
  })

  it('shows the progress of examining it as asked: a line on a terminal, JSON, or nothing', async () => {
    const terminal = {
      NODE_OPTIONS: '--import=data:text/javascript,process.stderr.isTTY=true',
      NO_COLOR: '1',
    }
    const on = async (name: string, ...args: string[]) => {
      const command = ['build', 'photos.tar', '-o', `${name}.img`, ...args]
      const { exit, stderr } = await diskwright(command, { cwd: folder, env: terminal })
      expect(exit).toBe(0)
      return stderr
    }
    expect(await on('auto')).toContain('\r\x1b[Kexamining photos.tar')
    expect(await on('json', '--progress', 'json')).toContain(
      '{"phase":"examine","step":"examining photos.tar"',
    )
    expect(await on('none', '--progress', 'none')).toBe(
      notes('photos.tar: files', 'chose --preset plain: it is not an operating system'),
    )
    expect(await on('quiet', '--quiet')).toBe('')
  })

  it('adds to a preset that is named what its content needs', async () => {
    const { exit, stderr } = await run(['build', 'debian.tar', '--preset', 'uefi', '-o', 'e.img'])
    expect({ exit, stderr }).toEqual({
      exit: 0,
      stderr: notes(UEFI[0], 'added --linux --arch arm64 to match the content'),
    })
  })

  it('reads a pipe once, with the preset that is named', async () => {
    const tar = readFileSync(at('debian.tar'))
    expect(await run(['build', '-', '-o', 'f.img'], tar)).toEqual({
      exit: 1,
      stdout: '',
      stderr:
        'diskwright: standard input is not a description, and content from a pipe can be read only once: name a preset, for example --preset plain\n',
    })
    const built = await run(['build', '-', '--preset', 'plain', '-o', 'f.img'], tar)
    expect(built).toMatchObject({ exit: 0, stderr: '' })
  })

  it.each<[string, string[], number, string]>([
    [
      'a Debian root in the preset for NixOS',
      ['debian.tar', '--preset', 'raspberry-pi'],
      1,
      'debian.tar: a root file system of Debian GNU/Linux 12 (bookworm), and the preset raspberry-pi is for NixOS; use --preset uefi --linux --arch arm64, or edit what diskwright init writes',
    ],
    [
      'the same by --closure',
      ['--closure', 'debian.tar'],
      1,
      'debian.tar: a root file system of Debian GNU/Linux 12 (bookworm), and the preset raspberry-pi is for NixOS; use --preset uefi --linux --arch arm64, or edit what diskwright init writes',
    ],
    [
      'a directory for --closure',
      ['--closure', 'rootfs'],
      1,
      'rootfs is a directory, not a tar archive: leave --closure out, as in diskwright build rootfs --preset raspberry-pi -o FILE',
    ],
    [
      'a description for --closure',
      ['--closure', 'image.json'],
      1,
      'image.json is text, not an archive; if it is a description, run diskwright build image.json -o FILE',
    ],
    [
      'a description with a preset',
      ['image.json', '--preset', 'plain'],
      2,
      "'image.json' cannot be used with --preset: it is a description",
    ],
    [
      'a file system',
      ['disk.squashfs'],
      1,
      'disk.squashfs: is a squashfs image: expected a description, a directory, or an archive (tar, NAR, OCI, docker save, btrfs send); inspect, ls and extract read the images that diskwright knows',
    ],
    [
      'a NixOS system without its closure',
      ['result'],
      1,
      'result: is a NixOS system without its closure: expected a tar archive of the closure, or a directory of closureInfo',
    ],
    [
      'a binary cache',
      ['cache'],
      1,
      'cache: is a Nix binary cache: select paths of it in a description ("nix" with "binaryCache")',
    ],
    ['nothing', ['none.tar'], 1, 'none.tar: no such file or directory'],
    [
      'options that no preset takes together',
      ['debian.tar', '--firmware', 'fw', '--loader', 'x'],
      2,
      'no preset takes all of these: --firmware fw --loader x',
    ],
    [
      'an option of several other presets',
      ['debian.tar', '--loader', 'x'],
      2,
      'debian.tar suits the preset uefi, which does not take --loader x; select one that does with --preset: rockchip, allwinner',
    ],
    [
      'a format that is not written',
      ['debian.tar', '-o', 'x.img.xz'],
      1,
      'x.img.xz: .xz is not written: the formats are .img and .img.zst',
    ],
    [
      'an output that exists',
      ['debian.tar', '-o', 'image.json'],
      1,
      'image.json: already exists; use --force',
    ],
  ])('calls %s a mistake', async (_, args, code, message) => {
    const output = args.includes('-o') ? [] : ['-o', 'wrong.img']
    expect(await run(['build', ...args, ...output])).toEqual({
      exit: code,
      stdout: '',
      stderr: `diskwright: ${message}\n`,
    })
    expect(readdirSync(folder)).not.toContain('wrong.img')
  })

  it.each(['gz', 'bz2', 'zip', 'qcow2', 'vmdk', 'vhdx', 'iso', 'tar'])(
    'writes no raw image under the name x.img.%s',
    async (end) => {
      const { exit, stderr } = await run(['build', 'photos.tar', '-o', `x.img.${end}`])
      expect({ exit, stderr }).toEqual({
        exit: 1,
        stderr: `diskwright: x.img.${end}: .${end} is not written: the formats are .img and .img.zst\n`,
      })
    },
  )
})

describe('an archive where an image is wanted', () => {
  it.each([['ls'], ['inspect'], ['verify'], ['extract', '-o', 'out']])(
    'is called one: %s',
    async (name, ...rest) => {
      expect(await run([name, 'debian.tar', ...rest])).toEqual({
        exit: 1,
        stdout: '',
        stderr:
          'diskwright: debian.tar is a tar archive, not an image: diskwright build debian.tar -o disk.img makes an image from it\n',
      })
    },
  )
})

describe('diskwright init', () => {
  it.each(['image.yaml', 'sub/image.json'])('writes %s, of which the same image is built', async (name) => {
    mkdirSync(at('sub'), { recursive: true })
    const written = await run(['init', 'debian.tar', '-o', name, '--force'])
    expect(written).toEqual({
      exit: 0,
      stdout: `${name}: written; to build it, run diskwright build ${name} -o disk.img\n`,
      stderr: notes(...UEFI),
    })
    expect(await run(['build', name, '-o', 'x.img', '--force'])).toMatchObject({ exit: 0, stderr: '' })
    await run(['build', 'debian.tar', '-o', 'y.img', '--force'])
    expect(readFileSync(at('x.img')).equals(readFileSync(at('y.img')))).toBe(true)
  })

  it('starts YAML with the schema for editors, and with what it has found', async () => {
    const { stdout } = await run(['init', 'photos.tar', '-o', 'photos.yml', '--force'])
    expect(stdout).toMatch(/^photos\.yml: written/)
    expect(readFileSync(at('photos.yml'), 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=https:\/\/\S+\/schema\.json\n# photos\.tar: files\n# chose --preset plain: it is not an operating system\n\nseed: plain\n/,
    )
  })

  it.each([
    ['a Debian', 'debian.tar', ['@', '@home', '@var']],
    ['one with a Nix store', 'nix.tar', ['@', '@home', '@nix', '@var']],
  ])('describes the subvolumes that suit %s, however it is given', async (_, name, subvolumes) => {
    const namesIn = (text: string) =>
      (
        JSON.parse(text) as { partitions: { subvolumes?: { name: string }[] }[] }
      ).partitions[1].subvolumes!.map((subvolume) => subvolume.name)
    expect(namesIn((await run(['init', name, '--preset', 'uefi', '-o', '-'])).stdout)).toEqual(subvolumes)
    const flags = ['--closure', name, '--linux', '--print']
    expect(namesIn((await run(['preset', 'uefi', ...flags])).stdout)).toEqual(subvolumes)
  })

  it('prints the example of a preset', async () => {
    const { stdout } = await run(['init', '--preset', 'raspberry-pi', '-o', '-'])
    expect(JSON.parse(stdout)).toMatchObject({
      $schema: 'https://unpkg.com/diskwright/dist/schema.json',
      partitions: [{ sources: [{ directory: 'firmware' }] }, { sources: [{ tar: 'closure.tar.zst' }] }],
    })
  })

  it('replaces nothing without --force, and takes no description', async () => {
    writeFileSync(at('mine.json'), 'mine')
    const refused = await run(['init', 'photos.tar', '-o', 'mine.json'])
    expect(refused).toMatchObject({ exit: 1, stdout: '' })
    expect(refused.stderr).toContain('diskwright: mine.json: already exists; use --force\n')
    expect(readFileSync(at('mine.json'), 'utf8')).toBe('mine')
    expect((await run(['init', 'image.json', '-o', '-'])).stderr).toBe(
      'diskwright: image.json is a description already\n',
    )
  })
})

describe('diskwright preset', () => {
  it('lists the presets, says what one is, and prints it', async () => {
    expect((await run(['preset'])).stdout).toMatch(/^raspberry-pi {5}NixOS [^]*\nplain {12}data, or/)
    expect((await run(['preset', 'plain'])).stdout).toBe(
      'plain: data, or a system that something else boots: GPT, one BTRFS partition\nOptions: --closure, --dup-data, --seed\n',
    )
    const { stdout } = await run(['preset', 'plain', '--print', '--closure', 'x.tar'])
    expect(JSON.parse(stdout)).toMatchObject({ partitions: [{ sources: [{ tar: 'x.tar' }] }] })
    expect(await run(['preset', '--print'])).toMatchObject({
      exit: 2,
      stderr:
        'diskwright: --print needs the name of a preset: raspberry-pi, raspberry-pi-os, uefi, rockchip, allwinner, plain, a-b\n',
    })
  })
})
