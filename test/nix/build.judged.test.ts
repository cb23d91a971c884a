/** The derivations of nix/, built by Nix in its sandbox: packages are stubs, diskwright and the sandbox are not. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extractTo, lintImage, openImage } from 'diskwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildWithNix, canBuildWithNix, evaluateNix, REPOSITORY } from '../judges/nix.ts'
import { findTool, mustRun, requireJudge } from '../judges/run-tool.ts'

const VARIANTS = [
  { bootFromBTRFS: true, BTRFSDupData: false, compressBoot: false, board: ['raspberry-pi-3'] },
  {
    bootFromBTRFS: true,
    BTRFSDupData: true,
    compressBoot: true,
    board: ['raspberry-pi-3', 'raspberry-pi-4'],
  },
  {
    bootFromBTRFS: false,
    BTRFSDupData: true,
    compressBoot: false,
    board: ['raspberry-pi-4', 'raspberry-pi-5'],
  },
]
const IMAGES = VARIANTS.map((settings) => {
  const json = JSON.stringify(JSON.stringify(settings))
  return `(imageWith { diskwright = builtins.fromJSON ${json} // { enable = true; }; })`
})
const CLOSURE =
  '(tools.closureTarball { inherit ((systemWith { diskwright.enable = true; }).config.system.build) toplevel; })'
/** What a machine gets that is to be rebuilt from its own /etc/nixos. */
const REBUILT = `(imageWith {
  diskwright = { enable = true; board = "uefi"; configuration = ${REPOSITORY}/nix/example; initGit = true; };
})`
// The sandbox has the machine's.
const canBuild = [canBuildWithNix(), requireJudge('git')].every(Boolean)

describe.skipIf(!canBuild)('in the sandbox of Nix', () => {
  let folder: string
  let store: string
  let built: string[]
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-nix-'))
    store = join(folder, 'root')
    built = await buildWithNix(store, `[ ${IMAGES.join(' ')} ${CLOSURE} ${REBUILT} ]`)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each(VARIANTS.map((settings, i) => ({ ...settings, i })))(
    'an image: %o',
    async ({ i, ...settings }) => {
      const out = built[i]

      const plan = JSON.parse(readFileSync(join(out, 'nixos-btrfs-pi.plan.json'), 'utf8')) as {
        boot: { partition: number }
      }
      expect(plan.boot.partition).toBe(settings.bootFromBTRFS ? 2 : 1)
      const product = `${out.slice(store.length)}/nixos-btrfs-pi.img.zst`
      expect(readFileSync(join(out, 'nix-support/hydra-build-products'), 'utf8')).toBe(
        `file sd-image ${product}\n`,
      )

      const disk = await openImage(join(store, product))
      try {
        const [fat, btrfs] = await Promise.all(disk.partitions.map((partition) => partition.open()))
        const registration = new TextDecoder().decode(await btrfs.readFile('/@/nix-path-registration'))
        const toplevel = /^\/nix\/store\/.*-nixos-system-nixos-26\.05$/m.exec(registration)?.[0]
        expect(toplevel).toBeDefined()
        expect(await btrfs.readlink('/@nix/var/nix/profiles/system-1-link')).toBe(toplevel)
        const boot = settings.bootFromBTRFS ? btrfs : fat
        const menu = new TextDecoder().decode(
          await boot.readFile(`${settings.bootFromBTRFS ? '/boot' : ''}/extlinux/extlinux.conf`),
        )
        expect(menu).toContain(`init=${toplevel}/init`)
        expect(menu).toContain('root=fstab')

        const names = (await fat.list('/')).map(({ name }) => name)
        for (const version of [3, 4, 5]) {
          const isWanted = settings.board.includes(`raspberry-pi-${version}`)
          expect(names.includes(`u-boot-rpi${version}.bin`)).toBe(isWanted)
          if (version === 4) expect(names.includes('armstub8-gic.bin')).toBe(isWanted)
        }
      } finally {
        await disk.close()
      }
    },
  )

  test('the closure is an archive of what is registered, and of nothing of the builder', async () => {
    const archive = built[VARIANTS.length]
    const { stdout } = await mustRun('bash', [
      '-c',
      `"${findTool('zstd')}" -dc "$0" | tar -tv --numeric-owner --full-time --utc`,
      archive,
    ])
    const lines = stdout.split('\n').slice(0, -1)
    expect(lines.length).toBeGreaterThan(10)
    for (const line of lines) expect(line).toMatch(/^\S+ 0\/0 +\d+ 1970-01-01 00:00:01 /)
    const paths = lines.map((line) => /00:00:01 (\S+)/.exec(line)![1])
    expect(paths[0]).toBe('nix-path-registration')
    expect(paths.slice(1)).toEqual(paths.slice(1).sort())
    expect(paths.filter((path) => /-twins\/[ab]$/.test(path))).toHaveLength(2)
    expect(lines.filter((line) => line.startsWith('h'))).toEqual([])
    expect(lines.find((line) => / nix\/store\/\S+-nixos-system-\S+\/kernel /.test(line))).toMatch(
      / -> \/nix\/store\/\S+-linux-6\.18\/Image$/,
    )
  })

  test('an image for UEFI has what systemd-boot reads, and passes the boot lint', async () => {
    const path = join(built.at(-1)!, 'nixos-btrfs-uefi.img.zst')
    const disk = await openImage(path)
    try {
      const esp = await disk.partitions[0].open()
      const textOf = async (name: string) => new TextDecoder().decode(await esp.readFile(name))
      expect(await textOf('/loader/entries/nixos-generation-1.conf')).toMatch(
        /^options init=\/nix\/store\/\S+-nixos-system-nixos-26\.05\/init root=fstab console=ttyAMA0,115200n8 console=tty0$/m,
      )
      expect(await textOf('/loader/loader.conf')).toContain('default nixos-generation-1.conf\n')
      expect((await esp.list('/EFI/BOOT')).map(({ name }) => name)).toEqual(['BOOTAA64.EFI'])
    } finally {
      await disk.close()
    }
    const findings = await lintImage(path)
    expect(findings.filter(({ severity }) => severity !== 'notice')).toEqual([])
  })

  describe('/etc/nixos of an image', () => {
    let etcNixos: string
    beforeAll(async () => {
      etcNixos = join(folder, 'nixos')
      await extractTo(join(built.at(-1)!, 'nixos-btrfs-uefi.img.zst'), etcNixos, {
        partition: 2,
        path: '/@/etc/nixos',
      })
    })

    test('is a Git repository with one commit, and nothing to add', async () => {
      const git = async (...args: string[]) =>
        (await mustRun('git', ['-c', 'safe.directory=*', '-C', etcNixos, ...args])).stdout
      expect(await git('status', '--porcelain')).toBe('')
      expect(await git('log', '--format=%an %ae %at %ct %s')).toBe(
        'root root@localhost 315532800 315532800 As it came with the image\n',
      )
      expect(await git('branch', '--show-current')).toBe('main\n')
      await mustRun('git', ['-c', 'safe.directory=*', '-C', etcNixos, 'fsck', '--strict'])
    })

    test('has files that root may change', () => {
      for (const name of ['configuration.nix', 'diskwright/module.nix', '.git/config']) {
        expect(statSync(join(etcNixos, name)).mode & 0o200).toBe(0o200)
      }
    })

    test('is the system, by its flake and without one', async () => {
      const systems = await evaluateNix(`
        let
          fromFlake = (import ${etcNixos}/flake.nix).outputs {
            nixpkgs = { inherit lib; };
            diskwright = (import ${etcNixos}/diskwright/flake.nix).outputs { };
          };
          classic = nixosSystem { modules = [ ${etcNixos}/configuration.nix ]; };
        in
        map (system: { inherit (system.config.networking) hostName; inherit (system.config.boot) kernelParams; services = builtins.attrNames system.config.systemd.services; })
          [ fromFlake.nixosConfigurations.nixpi classic ]`)
      const [flake, classic] = systems as Record<string, unknown>[]
      expect(flake).toMatchObject({ hostName: 'nixpi', services: ['diskwright-first-boot'] })
      expect(classic).toEqual(flake)
    })
  })

  test('what is built once more is the same, says Nix', async () => {
    const again = await buildWithNix(store, `[ ${IMAGES[1]} ${CLOSURE} ${REBUILT} ]`, ['--check'])
    expect(again).toEqual([built[1], built[VARIANTS.length], built.at(-1)])
  })
})
