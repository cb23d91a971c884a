/**
 * What the first boot's machine test takes from NixOS (fixtures/first-boot/evaluated.json) is what Nixpkgs evaluates from
 * nix/module.nix. `vitest -u` writes it anew.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { canEvaluateNix, evaluateNix, REPOSITORY } from '../judges/nix.ts'
import { hasNixpkgs, NIXPKGS } from '../judges/nixpkgs.ts'
import { mustRun } from '../judges/run-tool.ts'

const FIXTURE = join(REPOSITORY, 'fixtures/first-boot')
const EVALUATED = join(FIXTURE, 'evaluated.json')

interface Evaluated {
  kernelParams: string[]
  fstab: string
  units: Record<string, { text: string; wantedBy: string[] }>
  scripts: Record<string, string>
}

/** Store paths by the names of their packages alone: what they are made of changes from one Nixpkgs to the next. */
function withoutHashes(value: unknown): unknown {
  const text = JSON.stringify(value).replace(
    /\/nix\/store\/[0-9a-z]{32}-([\w+.?=-]+)/g,
    (_, name: string) => `@${name.replace(/-[^a-zA-Z].*$/, '')}@`,
  )
  return JSON.parse(text)
}

test.skipIf(!hasNixpkgs())('is what Nixpkgs evaluates', async () => {
  // The scripts' texts are read from derivations, so these are written to Nix's store. None is built.
  const nix = [...(process.env.DISKWRIGHT_NIX?.split(' ') ?? []), 'nix-instantiate', '--read-write-mode']
  const [command, ...args] = [...nix, '--eval', '--strict', '--json', join(FIXTURE, 'evaluate.nix')]
  const { stdout } = await mustRun(command, [...args, '--arg', 'nixpkgs', NIXPKGS!])
  const evaluated = withoutHashes(JSON.parse(stdout))
  await expect(`${JSON.stringify(evaluated, null, 2)}\n`).toMatchFileSnapshot(EVALUATED)
})

// Without Nixpkgs, it shows at least whether the module has changed since.
describe('agrees with nix/', () => {
  const { units, scripts, kernelParams, fstab } = JSON.parse(readFileSync(EVALUATED, 'utf8')) as Evaluated

  test('the script is nix/first-boot.sh', () => {
    const script = readFileSync(join(REPOSITORY, 'nix/first-boot.sh'), 'utf8')
    expect(Object.values(scripts).filter((text) => text.includes(script))).toHaveLength(1)
  })

  test.skipIf(!canEvaluateNix())(
    'unit, kernel parameters and file systems are those of the module',
    async () => {
      const system = `(systemWith { imports = [ ${FIXTURE}/configuration.nix ]; }).config`
      const config = (await evaluateNix(`let config = ${system}; in {
      unit = removeAttrs config.systemd.services.diskwright-first-boot [ "serviceConfig" ];
      inherit (config.boot) kernelParams;
      fileSystems = lib.mapAttrs (_: { device, options, ... }: { inherit device options; }) config.fileSystems;
    }`)) as {
        unit: { after: string[]; before: string[]; wantedBy: string[]; unitConfig: Record<string, unknown> }
        kernelParams: string[]
        fileSystems: Record<string, { device: string; options: string[] }>
      }
      const { text, wantedBy } = units['diskwright-first-boot.service']
      expect(wantedBy).toEqual(config.unit.wantedBy)
      const setting = (name: string) =>
        [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].flatMap(([, value]) => value.split(' '))
      expect(setting('After')).toEqual(config.unit.after)
      expect(setting('Before')).toEqual(config.unit.before)
      for (const [name, value] of Object.entries(config.unit.unitConfig)) {
        expect(setting(name), name).toEqual([value].flat().map(String))
      }
      for (const parameter of config.kernelParams) expect(kernelParams).toContain(parameter)
      for (const [path, { device, options }] of Object.entries(config.fileSystems)) {
        const line = fstab.split('\n').find((line) => line.split(' ')[1] === path)!
        expect(line.startsWith(`${device} `)).toBe(true)
        expect(line.split(' ')[3].split(',')).toEqual(expect.arrayContaining(options))
      }
    },
  )
})
