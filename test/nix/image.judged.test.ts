/** The files of nix/, evaluated by Nix with a stub of Nixpkgs: what they ask of diskwright, and of NixOS. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { resolvePlan } from '../../src/build/plan-image.ts'
import type { BtrfsSpec } from '../../src/spec/btrfs-spec.ts'
import type { Fat32Spec } from '../../src/spec/fat32-spec.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { inFolder } from '../images/build.ts'
import { canEvaluateNix, evaluateNix, nixErrorOf, parseNix, REPOSITORY } from '../judges/nix.ts'

const FILES = [
  'flake.nix',
  ...['nix', 'test/nix/stub'].flatMap((folder) =>
    readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.nix'))
      .map((name) => join(folder, name)),
  ),
]
const hasNix = canEvaluateNix()

describe.skipIf(!hasNix)('files', () => {
  test.each(FILES)('%s parses', async (file) => {
    await parseNix(join(REPOSITORY, file))
  })
})

interface Settings {
  bootFromBTRFS: boolean
  BTRFSDupData: boolean
  compressBoot: boolean
  piVersion: number | number[]
}
const BOTH = [true, false]
const COMBINATIONS: Settings[] = BOTH.flatMap((bootFromBTRFS) =>
  BOTH.flatMap((BTRFSDupData) =>
    BOTH.flatMap((compressBoot) =>
      [3, 4, [3, 4]].map((piVersion) => ({ bootFromBTRFS, BTRFSDupData, compressBoot, piVersion })),
    ),
  ),
)

interface Evaluated {
  spec: ImageSpec
  fileSystems: Record<string, { device: string; fsType: string; options: string[] }>
}

describe.skipIf(!hasNix)('every combination of options', () => {
  let evaluated: Evaluated[]
  beforeAll(async () => {
    const settings = JSON.stringify(JSON.stringify(COMBINATIONS)).replaceAll('${', '\\${')
    evaluated = (await evaluateNix(`
      builtins.map (settings:
        let
          nixos = systemWith { diskwright = settings // { enable = true; }; };
        in {
          inherit (tools.image { inherit nixos; }) spec;
          inherit (nixos.config) fileSystems;
        }) (builtins.fromJSON ${settings})`)) as Evaluated[]
  })

  test.each(COMBINATIONS.map((settings, i) => [JSON.stringify(settings), i] as const))('%s', async (_, i) => {
    const { bootFromBTRFS, BTRFSDupData, compressBoot, piVersion } = COMBINATIONS[i]
    const { spec, fileSystems } = evaluated[i]
    const plan = await resolvePlan(spec)
    const versions = [piVersion].flat()

    const [fat, btrfs] = plan.partitions
    if (fat.type !== 'fat32' || btrfs.type !== 'btrfs') throw new Error('expected FAT32 and BTRFS')
    expect(plan.boot?.partition).toBe(bootFromBTRFS ? 2 : 1)
    expect([fat.bootable, btrfs.bootable]).toEqual([!bootFromBTRFS, bootFromBTRFS])
    expect(fat.firmware?.versions).toEqual(versions)
    expect(fat.firmware?.uboot.map(({ version }) => version)).toEqual(versions)
    expect(fat.firmware?.extraLines).toEqual(['gpu_mem=16'])
    expect(fat.sources.length).toBe(versions.includes(4) ? 1 : 0)
    expect((spec.partitions[1] as BtrfsSpec).profiles?.data).toBeUndefined()
    expect(spec.BTRFSDupData).toBe(BTRFSDupData)

    const boot = (spec.partitions[1] as BtrfsSpec).subvolumes!.find(({ name }) => name === '@boot')
    const storage = compressBoot ? { compression: 'zstd:3' } : { nodatacow: true }
    expect(boot).toEqual(
      bootFromBTRFS ? { name: '@boot', path: '/boot', bootFiles: true, ...storage } : undefined,
    )
    expect(fileSystems['/boot'].device).toBe(`/dev/disk/by-label/${bootFromBTRFS ? 'NIXOS_SD' : 'FIRMWARE'}`)
    expect(fileSystems['/boot/firmware'] === undefined).toBe(!bootFromBTRFS)
  })

  test.each([
    ['', true],
    ['boot.loader.generic-extlinux-compatible.useGenerationDeviceTree = false;', false],
    ['hardware.deviceTree.name = "broadcom/bcm2837-rpi-3-b.dtb";', 'broadcom/bcm2837-rpi-3-b.dtb'],
  ])('NixOS has the device tree chosen: %s', async (settings, deviceTree) => {
    const image = `(imageWith { diskwright.enable = true; boot.loader.timeout = null; ${settings} })`
    const spec = (await evaluateNix(`${image}.spec`)) as ImageSpec
    expect((spec.partitions[1] as BtrfsSpec).nixos).toMatchObject({
      deviceTree,
      timeout: -1,
      generations: 20,
    })
    await resolvePlan(spec)
  })

  test('subvolumes of the image are where the system mounts them', () => {
    for (const { spec, fileSystems } of evaluated) {
      const mounted = Object.entries(fileSystems).flatMap(([path, { options }]) => {
        const name = options.find((option) => option.startsWith('subvol='))?.slice('subvol='.length)
        return name === undefined ? [] : [[name, path]]
      })
      const described = (spec.partitions[1] as BtrfsSpec).subvolumes!.map(({ name, path }) => [name, path])
      expect(mounted.sort()).toEqual(described.sort())
    }
  })
})

describe.skipIf(!hasNix)('the module', () => {
  const configOf = (settings: string, wanted: string) =>
    evaluateNix(`(systemWith { diskwright = { enable = true; ${settings} }; }).config.${wanted}`)
  const errorOf = (settings: string) =>
    nixErrorOf(`(imageWith { diskwright = { enable = true; ${settings} }; }).drvPath`)

  test('does nothing unless it is enabled', async () => {
    const config = await evaluateNix(
      `let inherit (systemWith { }) config; in { inherit (config) fileSystems assertions; inherit (config.systemd) services; params = config.boot.kernelParams; }`,
    )
    expect(config).toEqual({ fileSystems: {}, assertions: [], services: {}, params: [] })
  })

  test('has the defaults that the documents say', async () => {
    expect(await configOf('', 'diskwright')).toEqual({
      enable: true,
      piVersion: [3],
      bootFromBTRFS: true,
      BTRFSDupData: false,
      compressBoot: false,
      subvolumes: {
        '@': '/',
        '@boot': '/boot',
        '@gnu': '/gnu',
        '@home': '/home',
        '@nix': '/nix',
        '@snapshots': '/.snapshots',
        '@var': '/var',
      },
      mountOptions: ['noatime', 'compress-force=zstd', 'discard=async'],
      compression: 'zstd:3',
      extraConfigTxt: ['gpu_mem=16'],
      label: 'NIXOS_SD',
      firmwareLabel: 'FIRMWARE',
      firmwareSize: '512MiB',
      uuid: '44444444-4444-4444-8888-888888888889',
      diskId: '0x2178694e',
      seed: 'nixos-btrfs-pi',
      configuration: null,
    })
  })

  test('a subvolume more keeps the others, null takes one away', async () => {
    const paths = await configOf('subvolumes = { "@data" = "/data"; "@gnu" = null; };', 'fileSystems')
    const names = Object.keys(paths as object)
    expect(names).toContain('/data')
    expect(names).toContain('/nix')
    expect(names).not.toContain('/gnu')
  })

  test('the kernel gets its root by label and subvolume', async () => {
    const parameters = await configOf(
      'label = "CARD"; subvolumes = { "@" = null; root = "/"; };',
      'boot.kernelParams',
    )
    expect(parameters).toEqual(
      expect.arrayContaining(['root=LABEL=CARD', 'rootflags=subvol=root', 'rootwait']),
    )
  })

  test('the first boot comes before all that asks the database, once', async () => {
    const unit = await configOf('', 'systemd.services.diskwright-first-boot')
    expect(unit).toMatchObject({
      before: ['sysinit.target', 'shutdown.target'],
      wantedBy: ['sysinit.target'],
      unitConfig: { ConditionPathExists: '/nix-path-registration', DefaultDependencies: false },
      serviceConfig: { Type: 'oneshot' },
    })
  })

  test.each([
    ['subvolumes."@" = null;', 'one subvolume mounted at "/", found 0'],
    ['subvolumes."@other" = "/home";', 'the same mount point'],
    ['subvolumes."@boot" = null;', 'U-Boot looks for the kernel in the subvolume of "/boot"'],
    ['bootFromBTRFS = false; subvolumes."@boot" = "/boot";', 'the firmware partition is mounted at "/boot"'],
    ['piVersion = 5;', 'piVersion'],
    ['piVersion = [ ];', 'piVersion'],
    ['subvolumes."@data" = "data";', '@data'],
    ['label = "two words";', 'label'],
    ['bootFromBtrfs = true;', 'not declared'],
  ])('%s is an error', async (settings, message) => {
    expect(await errorOf(settings)).toContain(message)
  })
})

describe.skipIf(!hasNix)('U-Boot', () => {
  const configOf = (version: string) =>
    evaluateNix(`let pkgs = import ${REPOSITORY}/test/nix/stub/pkgs.nix { ubootVersion = "${version}"; };
      uboot = (import ${REPOSITORY}/nix { inherit pkgs; }).uboot; in [ uboot.pi3.extraConfig uboot.pi4.extraConfig ]`)

  test('reads BTRFS and zstd, with the configuration it had before', async () => {
    for (const text of (await configOf('2025.01')) as string[]) {
      expect(text.split('\n')).toEqual([
        'CONFIG_OF_BOARD=y',
        'CONFIG_CMD_BTRFS=y',
        'CONFIG_FS_BTRFS=y',
        'CONFIG_ZSTD=y',
        '',
      ])
    }
  })

  test('before standard boot it is told to look in @boot', async () => {
    const [text] = (await configOf('2023.07')) as string[]
    expect(text).toContain(
      'CONFIG_BOOTCOMMAND="setenv boot_prefixes /@boot/ /boot/ /@/boot/ /; run distro_bootcmd"\n',
    )
  })

  test('the description names the version that is to read the image', async () => {
    const spec = await evaluateNix('flake.packages.x86_64-linux.btrfsPi4.spec')
    expect((spec as ImageSpec).uboot).toEqual({ version: '2025.01' })
  })
})

describe.skipIf(!hasNix)('the flake', () => {
  test('has an image for each Pi, from the example', async () => {
    const specs = (await evaluateNix(
      'with flake.packages.aarch64-linux; [ btrfsPi3.spec btrfsPi4.spec ]',
    )) as ImageSpec[]
    for (const [i, spec] of specs.entries()) {
      expect((spec.partitions[0] as Fat32Spec).firmware?.piVersion).toEqual([3 + i])
      const { nixos } = spec.partitions[1] as BtrfsSpec
      expect(nixos?.toplevel).toContain('-nixos-system-nixpi-')
      expect(nixos?.configuration).toContain('-example')
      await resolvePlan(spec)
    }
  })

  test('evaluates, with all of its outputs', async () => {
    const outputs = await evaluateNix(`
      builtins.mapAttrs (_: builtins.attrNames) {
        inherit (flake) lib nixosModules nixosConfigurations overlays templates hydraJobs;
        packages = builtins.mapAttrs (_: package: package.drvPath) flake.packages.x86_64-linux;
        checks = builtins.mapAttrs (_: check: check.drvPath) flake.checks.x86_64-linux;
        apps = builtins.mapAttrs (_: app: app.program + app.meta.description) flake.apps.aarch64-linux;
        formatter = { inherit (flake.formatter.x86_64-linux) name; };
      }`)
    expect(outputs).toMatchObject({
      lib: ['tools'],
      overlays: ['default'],
      packages: ['btrfsPi3', 'btrfsPi4', 'closure', 'default', 'diskwright', 'uboot3', 'uboot4'],
      checks: ['descriptions', 'formatting', 'package', 'small-image'],
      apps: ['default', 'runVm'],
    })
  })

  test('images and machines are made with the command they are given', async () => {
    const { given, texts } = (await evaluateNix(`
      let
        given = pkgs.hello;
        overlaid = pkgs // flake.overlays.default overlaid pkgs // { diskwright = given; };
        use = tools:
          let image = tools.image { nixos = systemWith { diskwright.enable = true; }; };
          in [ (builtins.toJSON image.drvAttrs.args) (tools.runVm { inherit image; }).drvAttrs.text ];
      in
      {
        given = "\${given}";
        texts = use (flake.lib.tools { inherit pkgs; diskwright = given; }) ++ use overlaid.diskwrightTools;
      }`)) as { given: string; texts: string[] }
    expect(texts.map((text) => text.includes(`${given}/bin`))).toEqual([true, true, true, true])
  })

  test('images want nothing of their builder', async () => {
    const names = await evaluateNix('builtins.attrNames flake.packages.x86_64-linux.btrfsPi3.drvAttrs')
    expect(names).not.toContain('requiredSystemFeatures')
    expect(names).not.toContain('memSize')
  })
})

describe.skipIf(!hasNix)('flakes of others', () => {
  const withFlake = (text: string, work: (path: string) => Promise<void>) =>
    inFolder(async (folder) => {
      const path = join(folder, 'flake.nix')
      writeFileSync(path, text)
      writeFileSync(join(folder, 'configuration.nix'), `import ${REPOSITORY}/nix/example/configuration.nix\n`)
      await work(path)
    })

  test('the one in the documents makes an image', async () => {
    const [, text] = /^```nix\n(.*?)^```$/ms.exec(readFileSync(join(REPOSITORY, 'docs/nix.md'), 'utf8'))!
    await withFlake(text, async (path) => {
      const spec = (await evaluateNix(`(flakeOf ${path}).packages.x86_64-linux.image.spec`)) as ImageSpec
      const plan = await resolvePlan(spec)
      expect((spec.partitions[0] as Fat32Spec).firmware?.piVersion).toEqual([3, 4])
      expect((spec.partitions[1] as BtrfsSpec).subvolumes).toContainEqual({ name: '@data', path: '/data' })
      expect(plan.partitions).toHaveLength(2)
    })
  })

  test('that of the example has its system', async () => {
    const example = `${REPOSITORY}/nix/example/flake.nix`
    expect(
      await evaluateNix(`(flakeOf ${example}).nixosConfigurations.nixpi.config.networking.hostName`),
    ).toBe('nixpi')
  })
})

describe.skipIf(!hasNix)('the package', () => {
  interface Fetched {
    outputHash: string
    outputHashMode: string
    buildCommand: string
    impureEnvVars: string[]
  }
  const lock = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
    packages: Record<
      string,
      { version: string; integrity: string; os?: string[]; cpu?: string[]; libc?: string[] }
    >
  }

  test('fetches what the lock file has for this platform, by its hash and from wherever npm does', async () => {
    const fetched = (await evaluateNix(`
      builtins.mapAttrs (_: tarball: tarball.args or null) tools.diskwright.args.npmDeps.packageSourceOverrides`)) as Record<
      string,
      Fetched | null
    >
    const paths = Object.keys(lock.packages).filter((path) => path !== '')
    expect(Object.keys(fetched).sort()).toEqual(paths.sort())
    for (const path of paths) {
      const { version, integrity, os = ['linux'], cpu = ['x64'], libc = ['glibc'] } = lock.packages[path]
      const fits = os.includes('linux') && cpu.includes('x64') && libc.includes('glibc')
      expect([path, fetched[path] !== null]).toEqual([path, fits])
      if (!fits) continue
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      expect(fetched[path]).toMatchObject({ outputHash: integrity, outputHashMode: 'flat' })
      expect(fetched[path]!.buildCommand).toContain(`'${name}@${version}'`)
      expect(fetched[path]!.impureEnvVars).toContain('NPM_CONFIG_REGISTRY')
    }
  })

  test('keeps nothing of the build in its closure, says Nix', async () => {
    const [forbidden, tarballs] = (await evaluateNix(
      'with tools.diskwright.args; [ disallowedReferences (builtins.attrValues npmDeps.packageSourceOverrides) ]',
    )) as string[][]
    expect(forbidden).toEqual(expect.arrayContaining(tarballs))
  })

  test('has the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
      version: string
    }
    expect(await evaluateNix('tools.diskwright.version')).toBe(version)
  })
})
