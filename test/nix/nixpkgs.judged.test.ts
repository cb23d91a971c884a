/** The module and the tools of nix/, evaluated with Nixpkgs itself: systems, images, and what NixOS makes of them. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resolvePlan } from '../../src/build/plan-image.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { REPOSITORY } from '../judges/nix.ts'
import { evaluateWithNixpkgs, hasNixpkgs, nixpkgsErrorOf } from '../judges/nixpkgs.ts'

const SYSTEMS = [
  {
    name: 'the example',
    system: `systemOf [ ${REPOSITORY}/nix/module.nix ${REPOSITORY}/nix/example/configuration.nix ]`,
  },
  {
    name: 'all Raspberry Pis',
    system: `systemWith "aarch64-linux" { diskwright = { board = [ "raspberry-pi-3" "raspberry-pi-4" "raspberry-pi-5" ]; BTRFSDupData = true; compressBoot = true; }; }`,
  },
  {
    name: 'a boot folder on FAT',
    system: `systemWith "aarch64-linux" { diskwright = { board = "raspberry-pi-4"; bootFromBTRFS = false; }; }`,
  },
  {
    name: 'the old stage 1',
    system: `systemWith "aarch64-linux" { boot.initrd.systemd.enable = false; }`,
  },
  { name: 'UEFI on x86-64', system: `systemWith "x86_64-linux" { diskwright.board = "uefi"; }` },
  { name: 'UEFI on arm64', system: `systemWith "aarch64-linux" { diskwright.board = "uefi"; }` },
]

interface Evaluated {
  toplevel: string
  image: string
  spec: ImageSpec
  variant: { drvPath: string; filePath: string; spec: ImageSpec; toplevel: string }
  failed: string[]
  kernelParams: string[]
  fstab: string
  unit: string
}

describe.skipIf(!hasNixpkgs())('with Nixpkgs', () => {
  let evaluated: Evaluated[]
  beforeAll(async () => {
    evaluated = (await evaluateWithNixpkgs(`map (nixos:
      let
        inherit (nixos) config;
        image = tools.image { inherit nixos; };
        variant = (nixos.extendModules {
          modules = [ { diskwright.package = pkgs.hello; } ];
        }).config.system.build.images.diskwright;
      in {
        toplevel = config.system.build.toplevel.drvPath;
        image = image.drvPath;
        inherit (image) spec;
        variant = {
          inherit (variant) drvPath spec;
          inherit (variant.passthru) filePath;
          toplevel = variant.toplevel.drvPath;
        };
        failed = failedOf config;
        inherit (config.boot) kernelParams;
        fstab = config.environment.etc.fstab.text;
        unit = config.systemd.units."diskwright-first-boot.service".text;
      }) [ ${SYSTEMS.map(({ system }) => `(${system})`).join(' ')} ]`)) as Evaluated[]
  })

  describe.each(SYSTEMS.map(({ name }, i) => ({ name, i })))('$name', ({ name, i }) => {
    test('is a system and an image', async () => {
      const { toplevel, image, spec, failed } = evaluated[i]
      expect(failed).toEqual([])
      expect(toplevel).toMatch(/-nixos-system-.*\.drv$/)
      expect(image).toMatch(/-nixos-btrfs-(pi|uefi)\.drv$/)
      expect((await resolvePlan(spec)).partitions).toHaveLength(2)
    })

    test('has a variant with the same system', async () => {
      const { toplevel, variant } = evaluated[i]
      expect(variant.toplevel).toBe(toplevel)
      expect(variant.filePath).toMatch(/^nixos-diskwright-.*-linux\.img\.zst$/)
      await resolvePlan(variant.spec)
    })

    test('names its root once, and no parameter twice', () => {
      const { kernelParams, fstab } = evaluated[i]
      expect(new Set(kernelParams).size).toBe(kernelParams.length)
      const wanted = name === 'the old stage 1' ? [] : ['root=fstab']
      expect(kernelParams.filter((one) => one.startsWith('root'))).toEqual(wanted)
      expect(fstab).toMatch(/^\/dev\/disk\/by-label\/(NIXOS_SD|nixos) \/ btrfs \S*subvol=@ 0 0$/m)
    })

    test('has its first boot before Nix', () => {
      const { unit } = evaluated[i]
      expect(unit).toMatch(/^Before=sysinit.target shutdown.target nix-daemon.socket nix-daemon.service$/m)
      expect(unit).toContain('X-RestartIfChanged=false\n')
      expect(unit).toContain('ConditionPathExists=/nix-path-registration\n')
    })
  })

  test('the system of an image is subscribed to the channel of its Nixpkgs', () => {
    const [{ spec }] = evaluated
    expect(JSON.stringify(spec)).toMatch(/"\/root\/.nix-channels":"https:\/\/\S+\/nixos-\S+ nixos\\n"/)
  })

  test('the options have types and descriptions that the manual can be made of', async () => {
    const options = (await evaluateWithNixpkgs(`
      let documented = lib.optionAttrSetToDocList (systemWith "aarch64-linux" { }).options.diskwright; in
      map ({ name, description, type, visible, ... }@option: { inherit name description type visible; default = option.default or option.defaultText or null; })
        (lib.filter (option: option.visible && !option.internal) documented)`)) as Record<string, unknown>[]
    expect(options.length).toBeGreaterThan(18)
    for (const option of options) {
      expect(option.description).toEqual(expect.stringMatching(/\S/))
      expect(option.type).not.toBe('unspecified value')
      expect(option.default).not.toBeNull()
    }
  })

  test.each([
    ['{ diskwright.piVersion = 6; }', 'raspberry-pi-6'],
    ['{ diskwright.board = "uefi"; diskwright.bootFromBTRFS = true; }', 'UEFI reads no BTRFS'],
    ['{ diskwright.subvolumes."@other" = "/home"; }', 'the same mount point'],
    ['{ diskwright.label = "two words"; }', 'diskwright.label'],
  ])('%s is an error', async (settings, message) => {
    const error = await nixpkgsErrorOf(
      `(systemWith "aarch64-linux" ${settings}).config.system.build.toplevel.drvPath`,
    )
    expect(error).toContain(message)
  })

  test('the boards of piVersion are still understood', async () => {
    const { board, warnings } = (await evaluateWithNixpkgs(
      `let inherit (systemWith "aarch64-linux" { diskwright.piVersion = [ 3 4 ]; }) config; in { inherit (config.diskwright) board; inherit (config) warnings; }`,
    )) as { board: string[]; warnings: string[] }
    expect(board).toEqual(['raspberry-pi-3', 'raspberry-pi-4'])
    expect(warnings.join('\n')).toContain("`diskwright.piVersion' defined in")
  })

  describe('/etc/nixos of the example, as a device has it', () => {
    let folder: string
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'diskwright-etc-nixos-'))
      cpSync(join(REPOSITORY, 'nix/example'), folder, { recursive: true })
      mkdirSync(join(folder, 'diskwright'))
      for (const name of DEVICE_FILES) {
        cpSync(join(REPOSITORY, 'nix', name), join(folder, 'diskwright', name), { recursive: true })
      }
      writeFileSync(
        join(folder, 'diskwright/flake.nix'),
        '{ outputs = _: { nixosModules.default = ./module.nix; }; }\n',
      )
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    test('is the system of the image, by its flake and from the channel', async () => {
      const [flake, classic] = (await evaluateWithNixpkgs(`
        let
          fromFlake = (import ${folder}/flake.nix).outputs {
            # As it is, so that NixOS sees which file the modules are from.
            nixpkgs.lib = lib // { nixosSystem = args: import (nixpkgs + "/nixos/lib/eval-config.nix") ({ system = null; } // args); };
            diskwright = (import ${folder}/diskwright/flake.nix).outputs { };
          };
        in
        map (nixos: nixos.config.system.build.toplevel.drvPath) [
          fromFlake.nixosConfigurations.nixpi
          (import (nixpkgs + "/nixos") { configuration = ${folder}/configuration.nix; })
        ]`)) as string[]
      expect(flake).toMatch(/-nixos-system-nixpi-/)
      expect(classic).toBe(flake)
    })
  })
})

/** What nix/etc-nixos.nix puts into ./diskwright. */
const DEVICE_FILES = [
  ...['boards.nix', 'first-boot.sh', 'module', 'module.nix', 'requirements.nix', 'subvolumes.nix'],
  ...['uboot-overlay.nix', 'uboot.nix'],
]
