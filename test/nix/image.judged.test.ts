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
  board: string | string[]
}
const PIS = [3, 4, 5].map((version) => `raspberry-pi-${version}`)
const BOTH = [true, false]
const COMBINATIONS: Settings[] = BOTH.flatMap((bootFromBTRFS) =>
  BOTH.flatMap((BTRFSDupData) =>
    BOTH.flatMap((compressBoot) =>
      [...PIS, PIS].map((board) => ({ bootFromBTRFS, BTRFSDupData, compressBoot, board })),
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
    const { bootFromBTRFS, BTRFSDupData, compressBoot, board } = COMBINATIONS[i]
    const { spec, fileSystems } = evaluated[i]
    const plan = await resolvePlan(spec)
    const versions = [board].flat().map((name) => Number(name.at(-1)))

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

describe.skipIf(!hasNix)('a machine with UEFI', () => {
  const ARCHITECTURES = [
    { platform: 'x86_64-linux', type: 'root-x86-64', console: 'ttyS0' },
    { platform: 'aarch64-linux', type: 'root-arm64', console: 'ttyAMA0' },
  ]
  const uefi = (platform: string, settings = '') =>
    `(import ${REPOSITORY}/test/nix/stub/nixos.nix { inherit pkgs; } { modules = [
      ${REPOSITORY}/nix/module.nix
      { nixpkgs.hostPlatform = "${platform}"; system.stateVersion = "26.05"; diskwright = { enable = true; board = "uefi"; }; }
      { ${settings} }
    ]; })`

  test.each(ARCHITECTURES)('$platform', async ({ platform, type, console }) => {
    const { spec, config } = (await evaluateNix(`let nixos = ${uefi(platform)}; in {
      inherit (tools.image { inherit nixos; }) spec;
      config = {
        inherit (nixos.config) fileSystems warnings;
        inherit (nixos.config.boot) loader kernelParams;
        inherit (nixos.config.hardware) enableAllHardware;
      };
    }`)) as {
      spec: ImageSpec
      config: Record<string, unknown> & { fileSystems: Evaluated['fileSystems'] }
    }
    expect(config).toMatchObject({
      enableAllHardware: true,
      kernelParams: ['root=fstab', `console=${console},115200n8`, 'console=tty0'],
      loader: {
        efi: { canTouchEfiVariables: false, efiSysMountPoint: '/boot' },
        'generic-extlinux-compatible': { enable: false },
        'systemd-boot': { enable: true },
      },
      warnings: [],
    })
    expect(config.fileSystems['/boot'].device).toBe('/dev/disk/by-label/ESP')
    expect(config.fileSystems['/'].device).toBe('/dev/disk/by-label/nixos')
    expect(spec.table).toEqual({ type: 'gpt' })
    expect(spec.partitions).toMatchObject([
      { type: 'fat32', gptType: 'esp', label: 'ESP' },
      { type: 'btrfs', gptType: type, label: 'nixos', nixos: { loader: 'systemd-boot', generations: 20 } },
    ])
    const plan = await resolvePlan(spec)
    expect(plan.partitions.map(({ type }) => type)).toEqual(['fat32', 'btrfs'])
  })

  test('has the settings of systemd-boot that NixOS has', async () => {
    const settings = `boot.loader.systemd-boot = { editor = false; consoleMode = "max"; configurationLimit = 3; bootCounting.enable = true; };`
    const spec = (await evaluateNix(
      `(tools.image { nixos = ${uefi('x86_64-linux', settings)}; }).spec`,
    )) as ImageSpec
    expect((spec.partitions[1] as BtrfsSpec).nixos).toMatchObject({
      ...{ editor: false, consoleMode: 'max', generations: 3, tries: 3 },
    })
    await resolvePlan(spec)
  })

  test.each([
    ['aarch64-linux', 'diskwright.bootFromBTRFS = true;', 'UEFI reads no BTRFS'],
    ['x86_64-linux', 'diskwright.board = lib.mkForce "raspberry-pi-3";', 'needs a system for aarch64-linux'],
    ['aarch64-linux', 'diskwright.board = lib.mkForce [ "uefi" "raspberry-pi-4" ];', '"uefi" comes alone'],
  ])('%s: %s is an error', async (platform, settings, message) => {
    expect(await nixErrorOf(`(tools.image { nixos = ${uefi(platform, settings)}; }).drvPath`)).toContain(
      message,
    )
  })
})

describe.skipIf(!hasNix)('the variant of system.build.images', () => {
  const variant = (settings = '') =>
    `((systemWith { ${settings} system.nixos.label = "test"; }).config.system.build.images.diskwright)`

  test('is an image, whether or not the system is made for one', async () => {
    const made = await evaluateNix(`let image = ${variant()}; in {
      inherit (image) name spec;
      inherit (image.passthru) filePath;
      enable = [ (systemWith { }).config.diskwright.enable image.passthru.config.diskwright.enable ];
    }`)
    const { spec, ...rest } = made as { spec: ImageSpec }
    expect(rest).toEqual({
      name: 'nixos-diskwright-test-aarch64-linux',
      filePath: 'nixos-diskwright-test-aarch64-linux.img.zst',
      enable: [false, true],
    })
    await resolvePlan(spec)
  })

  test('is named as NixOS names images', async () => {
    const names = await evaluateNix(`[
      ${variant('image.modules.diskwright = { image.baseName = "card"; };')}.passthru.filePath
      ${variant('image.modules.diskwright = { image.fileName = "card.img.zst"; };')}.passthru.filePath
    ]`)
    expect(names).toEqual(['card.img.zst', 'card.img.zst'])
  })

  test('is made by the package that the option names', async () => {
    const [script, path] = (await evaluateNix(
      `[ (builtins.elemAt ${variant('diskwright.package = pkgs.nix;')}.drvAttrs.args 1) "${'$'}{pkgs.nix}" ]`,
    )) as string[]
    expect(script).toContain(`PATH=${path}/bin`)
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
    expect(config).toEqual({ fileSystems: {}, assertions: [], services: {}, params: ['root=fstab'] })
  })

  test('has the defaults that the documents say', async () => {
    const {
      package: made,
      piVersion,
      ...config
    } = (await configOf('', 'diskwright // { package = null; }')) as object & {
      package: null
      piVersion: unknown
    }
    expect([made, piVersion]).toEqual([null, '_not given'])
    expect(config).toEqual({
      enable: true,
      board: ['raspberry-pi-3'],
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
      programUsbBootMode: false,
      configuration: null,
      initGit: false,
      copyChannel: false,
    })
  })

  test.each([
    ['3', ['raspberry-pi-3']],
    ['[ 3 4 ]', ['raspberry-pi-3', 'raspberry-pi-4']],
  ])('takes the board of piVersion = %s, with a warning', async (version, board) => {
    expect(await configOf(`piVersion = ${version};`, 'diskwright.board')).toEqual(board)
    expect(await configOf(`piVersion = ${version};`, 'warnings')).toEqual([
      'diskwright.piVersion has become diskwright.board',
    ])
  })

  test('counts once, whoever brings it', async () => {
    const parameters = await evaluateNix(`(systemWith {
      imports = [ { key = "diskwright"; boot.kernelParams = [ "twice" ]; } ];
      diskwright.enable = true;
    }).config.boot.kernelParams`)
    expect(parameters).not.toContain('twice')
  })

  test.each([
    [
      'bit for booting from USB',
      'programUsbBootMode = true;',
      { config: { pi3: { program_usb_boot_mode: 1 } } },
    ],
    ['no such bit', '', { config: undefined }],
  ])('the firmware has a %s', async (_, settings, firmware) => {
    const spec = (await evaluateNix(
      `(imageWith { diskwright = { enable = true; ${settings} }; }).spec`,
    )) as ImageSpec
    const found = (spec.partitions[0] as Fat32Spec).firmware!
    expect({ config: found.config }).toEqual(firmware)
  })

  test('root is subscribed to the channel of the system, and has its content if wanted', async () => {
    const sourcesOf = async (settings: string) => {
      const spec = (await evaluateNix(
        `(imageWith { diskwright.enable = true; ${settings} }).spec`,
      )) as ImageSpec
      await resolvePlan(spec)
      return (spec.partitions[1] as BtrfsSpec).sources!.slice(1)
    }
    const subscribed = { '/root/.nix-channels': 'https://channels.example/nixos-26.05 nixos\n' }
    expect(await sourcesOf('')).toEqual([{ files: subscribed }])
    expect(await sourcesOf('nix.channel.enable = false;')).toEqual([])
    const profiles = '/nix/var/nix/profiles/per-user/root'
    expect(await sourcesOf('diskwright.copyChannel = true;')).toEqual([
      {
        files: {
          ...subscribed,
          [`${profiles}/channels`]: { type: 'symlink', target: 'channels-1-link' },
          [`${profiles}/channels-1-link`]: {
            type: 'symlink',
            target: expect.stringMatching(/^\/nix\/store\/[a-z0-9]{32}-nixos-26\.05\.1$/) as string,
          },
          '/root/.nix-defexpr': { type: 'directory', mode: '0700' },
          '/root/.nix-defexpr/channels': { type: 'symlink', target: `${profiles}/channels` },
        },
      },
    ])
  })

  test('the packages of the system have the U-Boot of the image', async () => {
    const extra = await evaluateNix(`let inherit (systemWith { diskwright.enable = true; }) pkgs; in
      map (uboot: uboot.extraConfig) [ pkgs.ubootRaspberryPi3_64bit (import ${REPOSITORY}/nix { inherit pkgs; pkgsArm = pkgs; }).uboot.pi3 ]`)
    const [once, again] = extra as string[]
    expect(once).toContain('CONFIG_FS_BTRFS=y')
    expect(again).toBe(once)
  })

  test.each([
    [
      'module.nix',
      'lib = lib // { trivial.release = "24.11"; };',
      'expected Nixpkgs 25.05 or later, found 24.11',
    ],
  ])('%s wants a Nixpkgs that has what it asks for', async (file, old, message) => {
    expect(await nixErrorOf(`import ${REPOSITORY}/nix/${file} { ${old} }`)).toContain(message)
  })

  test('images want a Nix that lets them forget the closure', async () => {
    const old = 'pkgs.extend (_: _: { nixVersion = "2.8"; })'
    const expression = `(import ${REPOSITORY}/nix { pkgs = ${old}; }).image { nixos = systemWith { diskwright.enable = true; }; }`
    expect(await nixErrorOf(`(${expression}).drvPath`)).toContain('images need Nix 2.16 or later, found 2.8')
  })

  test('a subvolume more keeps the others, null takes one away', async () => {
    const paths = await configOf('subvolumes = { "@data" = "/data"; "@gnu" = null; };', 'fileSystems')
    const names = Object.keys(paths as object)
    expect(names).toContain('/data')
    expect(names).toContain('/nix')
    expect(names).not.toContain('/gnu')
  })

  test('the root is in the fstab alone, and no parameter comes twice', async () => {
    const settings = 'label = "CARD"; subvolumes = { "@" = null; root = "/"; };'
    const parameters = (await configOf(settings, 'boot.kernelParams')) as string[]
    expect(parameters.filter((one) => one.startsWith('root'))).toEqual(['root=fstab'])
    expect(new Set(parameters).size).toBe(parameters.length)
    expect(await configOf(settings, 'fileSystems."/"')).toMatchObject({
      device: '/dev/disk/by-label/CARD',
      options: expect.arrayContaining(['subvol=root']) as string[],
    })
  })

  test('the first boot comes before all that asks the database, once', async () => {
    const unit = await configOf('', 'systemd.services.diskwright-first-boot')
    expect(unit).toMatchObject({
      before: ['sysinit.target', 'shutdown.target', 'nix-daemon.socket', 'nix-daemon.service'],
      restartIfChanged: false,
      wantedBy: ['sysinit.target'],
      unitConfig: { ConditionPathExists: '/nix-path-registration', DefaultDependencies: false },
      serviceConfig: { Type: 'oneshot' },
    })
  })

  test.each([
    ['subvolumes."@" = null;', 'one subvolume mounted at "/", found 0'],
    ['subvolumes."@other" = "/home";', 'the same mount point'],
    ['subvolumes."@boot" = null;', 'U-Boot looks for the kernel in the subvolume of "/boot"'],
    ['bootFromBTRFS = false; subvolumes."@boot" = "/boot";', 'the FAT partition is mounted at "/boot"'],
    ['piVersion = 6;', 'board'],
    ['board = "raspberry-pi-2";', 'board'],
    ['board = [ ];', 'board'],
    ['board = [ "raspberry-pi-3" "raspberry-pi-3" ];', 'a board is named twice'],
    ['compression = "gzip";', 'compression'],
    ['firmwareSize = "512";', 'firmwareSize'],
    ['mountOptions = [ "noatime,ssd" ];', 'mountOptions'],
    ['uuid = "44";', 'uuid'],
    ['initGit = true;', 'expected a folder for /etc/nixos'],
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
      uboot = (import ${REPOSITORY}/nix { inherit pkgs; }).uboot; in map (name: uboot.\${name}.extraConfig) [ "pi3" "pi4" "pi5" ]`)

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
      const { nixos, sources = [] } = spec.partitions[1] as BtrfsSpec
      expect(nixos?.toplevel).toContain('-nixos-system-nixpi-')
      expect(sources).toContainEqual({
        directory: expect.stringMatching(/-etc-nixos$/) as string,
        ...{ to: '/etc/nixos', mode: 'u+w' },
      })
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
      packages: ['btrfsPi3', 'btrfsPi4', 'closure', 'default', 'diskwright', 'uboot3', 'uboot4', 'uboot5'],
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
    const page = readFileSync(join(REPOSITORY, 'docs/how-to/nix.md'), 'utf8')
    const blocks = [...page.matchAll(/^```nix\n(.*?)^```$/gms)].map(([, block]) => block)
    const text = blocks.find((block) => block.includes('packages.x86_64-linux.image'))!
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
