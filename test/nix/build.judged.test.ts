/** The derivations of nix/, built by Nix in its sandbox: packages are stubs, diskwright and the sandbox are not. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openImage } from 'diskwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildWithNix, canBuildWithNix } from '../judges/nix.ts'
import { findTool, mustRun } from '../judges/run-tool.ts'

const VARIANTS = [
  { bootFromBTRFS: true, BTRFSDupData: false, compressBoot: false, piVersion: 3 },
  { bootFromBTRFS: true, BTRFSDupData: true, compressBoot: true, piVersion: [3, 4] },
  { bootFromBTRFS: false, BTRFSDupData: true, compressBoot: false, piVersion: 4 },
]
const IMAGES = VARIANTS.map((settings) => {
  const json = JSON.stringify(JSON.stringify(settings))
  return `(imageWith { diskwright = builtins.fromJSON ${json} // { enable = true; }; })`
})
const CLOSURE =
  '(tools.closureTarball { inherit ((systemWith { diskwright.enable = true; }).config.system.build) toplevel; })'
const canBuild = canBuildWithNix()

describe.skipIf(!canBuild)('in the sandbox of Nix', () => {
  let folder: string
  let store: string
  let built: string[]
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-nix-'))
    store = join(folder, 'root')
    built = await buildWithNix(store, `[ ${IMAGES.join(' ')} ${CLOSURE} ]`)
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
        const toplevel = /^\/nix\/store\/.*-nixos-system-nixos-25\.05$/m.exec(registration)?.[0]
        expect(toplevel).toBeDefined()
        expect(await btrfs.readlink('/@nix/var/nix/profiles/system-1-link')).toBe(toplevel)
        const boot = settings.bootFromBTRFS ? btrfs : fat
        const menu = new TextDecoder().decode(
          await boot.readFile(`${settings.bootFromBTRFS ? '/boot' : ''}/extlinux/extlinux.conf`),
        )
        expect(menu).toContain(`init=${toplevel}/init`)
        expect(menu).toContain('root=LABEL=NIXOS_SD')

        const names = (await fat.list('/')).map(({ name }) => name)
        const versions = [settings.piVersion].flat()
        expect(names.includes('u-boot-rpi3.bin')).toBe(versions.includes(3))
        expect(names.includes('armstub8-gic.bin')).toBe(versions.includes(4))
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
      / -> \/nix\/store\/\S+-linux-6\.12\/Image$/,
    )
  })

  test('what is built once more is the same, says Nix', async () => {
    const again = await buildWithNix(store, `[ ${IMAGES[1]} ${CLOSURE} ]`, ['--check'])
    expect(again).toEqual([built[1], built[VARIANTS.length]])
  })
})
