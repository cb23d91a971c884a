/** The flake of docs/tutorial/nixos.md is evaluated with Nixpkgs: its systems, and the images of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { resolvePlan } from '../../src/build/plan-image.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { readPage } from '../documents/pages.ts'
import { REPOSITORY } from '../judges/nix.ts'
import { evaluateWithNixpkgs, hasNixpkgs } from '../judges/nixpkgs.ts'

interface Evaluated {
  image: string
  failed: string[]
  spec: ImageSpec
}

test.skipIf(!hasNixpkgs())('the flake, its change and the Raspberry Pi', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-nixos-tutorial-'))
  try {
    const files = readPage('docs/tutorial/nixos.md').blocks.filter(({ file }) => file !== undefined)
    for (const { file, text } of files) writeFileSync(join(folder, file!), text)
    const evaluated = (await evaluateWithNixpkgs(`
      let
        outputs = (import ${folder}/flake.nix).outputs {
          self = outputs;
          nixpkgs = {
            lib.nixosSystem = { modules }: systemOf modules;
            legacyPackages.x86_64-linux = pkgs;
          };
          diskwright = { nixosModules.default = ${REPOSITORY}/nix/module.nix; lib.tools = { pkgs }: tools; };
        };
        system = outputs.nixosConfigurations.tutorial;
        with' = module: system.extendModules { modules = [ module ]; };
        resultOf = nixos: image: { image = image.drvPath; inherit (image) spec; failed = failedOf nixos.config; };
        imageOf = nixos: resultOf nixos (tools.image { inherit nixos; });
      in [
        (resultOf system outputs.packages.x86_64-linux.default)
        (imageOf (with' ${folder}/change.nix))
        (imageOf (with' ${folder}/raspberry-pi.nix))
      ]`)) as Evaluated[]
    expect(evaluated.map(({ failed }) => failed)).toEqual([[], [], []])
    expect(evaluated.map(({ image }) => image.replace(/^.*-(nixos-btrfs)/, '$1'))).toEqual([
      'nixos-btrfs-uefi.drv',
      'nixos-btrfs-uefi.drv',
      'nixos-btrfs-pi.drv',
    ])
    const plans = await Promise.all(evaluated.map(({ spec }) => resolvePlan(spec)))
    const namesOf = ({ partitions }: (typeof plans)[0]) =>
      partitions.flatMap((partition) =>
        partition.type === 'btrfs' ? partition.subvolumes.map(({ name }) => name) : [],
      )
    expect(namesOf(plans[0])).not.toContain('@srv')
    expect(namesOf(plans[1])).toContain('@srv')
    expect(plans[2].table.type).toBe('mbr')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
