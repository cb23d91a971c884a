/** The packages and the flake of nix/, evaluated with Nixpkgs itself, and the stub of it compared with the real one. */
import { describe, expect, test } from 'vitest'
import { REPOSITORY } from '../judges/nix.ts'
import { evaluateWithNixpkgs, hasNixpkgs } from '../judges/nixpkgs.ts'

const FLAKE = `
  let flake = (import ${REPOSITORY}/flake.nix).outputs {
    self = flake;
    nixpkgs = {
      lib = lib // {
        nixosSystem = args: import (nixpkgs + "/nixos/lib/eval-config.nix") ({ system = null; } // args);
      };
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system: import nixpkgs { inherit system; });
    };
  }; in `

describe.skipIf(!hasNixpkgs())('with Nixpkgs', () => {
  test('the package evaluates without a variable of the environment, and no registry in it', async () => {
    const { version, derivation, forbidden } = (await evaluateWithNixpkgs(`
      let package = pkgs.callPackage ${REPOSITORY}/nix/package.nix { }; in {
        inherit (package) version;
        derivation = package.drvPath;
        forbidden = lib.length package.disallowedReferences;
      }`)) as { version: string; derivation: string; forbidden: number }
    expect(derivation).toMatch(new RegExp(`-diskwright-${version}\\.drv$`))
    expect(forbidden).toBeGreaterThan(100)
  })

  test('the package of a release has Node and nothing else to run with', async () => {
    const inputs = await evaluateWithNixpkgs(`
      map lib.getName (pkgs.callPackage ${REPOSITORY}/nix/package-from-release.nix { }).nativeBuildInputs`)
    expect(inputs).toEqual(['make-binary-wrapper-hook', 'version-check-hook'])
  })

  test('the document for Nixpkgs is a package with tests', async () => {
    const { derivation, tests, meta } = (await evaluateWithNixpkgs(`
      let
        withIt = pkgs.extend (final: _: { diskwright = final.callPackage ${REPOSITORY}/nix/nixpkgs/package.nix { }; });
        package = withIt.diskwright;
      in {
        derivation = package.drvPath;
        tests = lib.mapAttrs (_: test: test.drvPath) package.tests;
        meta = { inherit (package.meta) available broken description homepage changelog mainProgram; };
      }`)) as { derivation: string; tests: Record<string, string>; meta: Record<string, unknown> }
    expect(derivation).toMatch(/-diskwright-.*\.drv$/)
    expect(Object.keys(tests)).toEqual(['image'])
    expect(meta).toMatchObject({ available: true, broken: false, mainProgram: 'diskwright' })
    // What nixpkgs-vet and reviewers ask of a description.
    expect(meta.description).toMatch(/^(?!A |An |The |diskwright)[A-Z].*[^.]$/)
  })

  test('all outputs of the flake evaluate', async () => {
    const outputs = (await evaluateWithNixpkgs(`${FLAKE} {
      packages = lib.mapAttrs (_: lib.mapAttrs (_: package: package.drvPath)) flake.packages;
      checks = lib.mapAttrs (_: check: check.drvPath) flake.checks.x86_64-linux;
      apps = lib.mapAttrs (_: app: app.program + app.meta.description) flake.apps.x86_64-linux;
      formatter = flake.formatter.x86_64-linux.drvPath;
      templates = lib.mapAttrs (_: template: builtins.pathExists (template.path + "/flake.nix")) flake.templates;
      overlaid = map (package: package.name) (with pkgs.extend flake.overlays.default; [
        diskwright
        (diskwrightTools.image { nixos = flake.nixosConfigurations.nixpi; })
      ]);
    }`)) as Record<string, Record<string, unknown>>
    expect(Object.keys(outputs.packages)).toEqual(['aarch64-linux', 'x86_64-linux'])
    expect(Object.keys(outputs.checks)).toEqual(['descriptions', 'formatting', 'package', 'small-image'])
    expect(Object.keys(outputs.apps)).toEqual(['default', 'runVm'])
    expect(outputs.templates).toEqual({ default: true, 'raspberry-pi': true, uefi: true })
    expect(outputs.overlaid).toEqual([expect.stringMatching(/^diskwright-/), 'nixos-btrfs-pi'])
  })

  test('the system and the image of the template for UEFI evaluate', async () => {
    const [toplevel, image] = (await evaluateWithNixpkgs(`${FLAKE}
      let template = (import ${REPOSITORY}/nix/example-uefi/flake.nix).outputs {
        self = template;
        diskwright = flake;
        nixpkgs = { lib.nixosSystem = args: import (nixpkgs + "/nixos/lib/eval-config.nix") ({ system = null; } // args); legacyPackages.x86_64-linux = pkgs; };
      }; in [
        template.nixosConfigurations.nixos.config.system.build.toplevel.drvPath
        template.packages.x86_64-linux.image.drvPath
      ]`)) as string[]
    expect(toplevel).toMatch(/-nixos-system-nixos-.*\.drv$/)
    expect(image).toMatch(/-nixos-btrfs-uefi\.drv$/)
  })

  describe('the stub', () => {
    const differences = (real: string, stub: string) => `
      let
        kind = value: if builtins.isAttrs value && value ? __functor then "lambda" else builtins.typeOf value;
        compare = path: real: stub: lib.concatMap (name:
          let at = path ++ [ name ]; in
          if !(real ? \${name}) then [ "\${lib.concatStringsSep "." at} is not in Nixpkgs" ]
          else if kind real.\${name} != kind stub.\${name} then [ "\${lib.concatStringsSep "." at} is a \${kind real.\${name}}, in the stub a \${kind stub.\${name}}" ]
          else [ ]) (lib.attrNames stub);
      in compare [ ] (${real}) (${stub})`
    const STUB = `(import ${REPOSITORY}/test/nix/stub/pkgs.nix { })`

    test('has functions and sets where Nixpkgs has them: lib', async () => {
      expect(await evaluateWithNixpkgs(differences('lib', `${STUB}.lib`))).toEqual([])
    })

    test('has functions and sets where Nixpkgs has them: packages', async () => {
      // The version is a parameter of ours.
      const stub = `removeAttrs (lib.filterAttrs (_: package: (builtins.tryEval package).success) ${STUB}) [ "nixVersion" ]`
      expect(await evaluateWithNixpkgs(differences('pkgs', stub))).toEqual([])
    })
  })
})
