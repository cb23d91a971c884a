/** `planImage` gives data: JSON has all of it. */
import { describe, expect, test } from 'vitest'
import { planImage, resolvePlan } from '../../../src/build/plan-image.ts'
import { SpecError } from '../../../src/lib/errors.ts'
import type { ImageSpec } from '../../../src/spec/image-spec.ts'
import { description } from '../descriptions.ts'

const EVERYTHING: ImageSpec = {
  seed: 'größe',
  time: '2024-05-01T12:00:00.5Z',
  table: { type: 'mbr' },
  uboot: { version: '2025.01' },
  partitions: [
    {
      type: 'fat32',
      size: '64MiB',
      symlinks: 'follow',
      paths: [
        { path: '/ö', flags: ['hidden', '-archive'], case: 'upper' },
        { glob: '/nothing' },
        { glob: '/**/*~', exclude: true },
      ],
      firmware: { ubootPi4: 'u-boot.bin', config: { all: { gpu_mem: 16, dtoverlay: null } } },
    },
    {
      type: 'btrfs',
      size: 'fit',
      slack: '1MiB',
      label: 'größe',
      subvolumes: [
        { name: '@ü', path: '/', compression: 'zstd:9', default: true },
        { name: '@swap', path: '/swap', nodatacow: true, property: 'none' },
        { name: '日本', snapshotOf: '@ü' },
      ],
      paths: [
        { path: '/é', compression: 'lzo', flags: ['immutable'], mode: '0700' },
        { glob: '/**/*.ä', uid: 5, xattrs: { 'user.ß': '\0\xff', 'user.x': null } },
        { glob: '/tmp/**', exclude: true },
      ],
      swapfile: { path: '/swap/ö', size: '1MiB' },
      links: { bööt: '@ü/boot', __proto: 'x' },
      nixos: { registration: 'reg' },
      sources: [
        { tar: 'ä.tar', to: '/ñ' },
        { directory: '\u{1f600}' },
        { nix: { closureInfo: 'info' } },
        { nix: { paths: 'list' } },
        { nix: { paths: ['a'], binaryCache: 'cache', trustedKeys: [`k:${'A'.repeat(43)}=`] } },
        { nar: 'x.nar' },
        { entries: [{ path: 'x', type: 'file', content: 'secret' }], to: '/e' },
      ],
    },
  ],
}

describe('planImage', () => {
  test.each([
    ['of the preset', description() as ImageSpec],
    ['with everything in it', EVERYTHING],
  ])('a plan %s is JSON', async (_, spec) => {
    const plan = await planImage(spec)
    expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan)
  })

  test('says all that was decided, names as text', async () => {
    const plan = await planImage(EVERYTHING)
    const [fat, btrfs] = plan.partitions
    expect(plan).toMatchObject({
      seed: 'größe',
      table: { type: 'mbr', diskId: expect.stringMatching(/^0x[0-9a-f]{8}$/) as string },
      boot: { partition: 2, uboot: '2025.01', check: true },
    })
    expect(fat).toMatchObject({
      type: 'fat32',
      symlinks: 'follow',
      rules: [
        { path: '/ö', flags: ['hidden', '-archive'], case: 'upper' },
        { glob: '/**/*~', exclude: true },
      ],
      mbrType: '0x0c',
      time: { sec: 1_714_564_800, nsec: 500_000_000 },
      firmware: { versions: [4], uboot: [{ version: 4, path: 'u-boot.bin' }] },
    })
    expect(btrfs).toMatchObject({
      label: 'größe',
      slack: 2 ** 20,
      sources: [
        { kind: 'tar', tar: 'ä.tar', to: '/ñ' },
        { kind: 'directory', directory: '\u{1f600}', to: '/' },
        { kind: 'nix', nix: { closureInfo: 'info', store: '/nix/store', registration: true } },
        { kind: 'nix', nix: { paths: 'list', store: '/nix/store', registration: false } },
        { kind: 'nix', nix: { paths: ['a'], binaryCache: 'cache', registration: true } },
        { kind: 'nar', nar: 'x.nar' },
        { kind: 'entries', to: '/e' },
      ],
      subvolumes: [
        { id: 5, name: '', compression: 'none' },
        { id: 256, name: '@ü', path: '/', compression: 'zstd:9', default: true },
        { id: 257, name: '@swap', nodatacow: true, property: 'none' },
        { id: 258, name: '日本', snapshotOf: '@ü', readOnly: true },
      ],
      paths: [{ path: '/é', compression: 'lzo' }],
      rules: [
        { path: '/é', flags: ['immutable'], mode: '0700' },
        { glob: '/**/*.ä', uid: 5, xattrs: { 'user.ß': { base64: 'AMO/' }, 'user.x': null } },
        { glob: '/tmp/**', exclude: true },
      ],
      swapfile: { path: '/swap/ö', size: 2 ** 20 },
      links: { bööt: '@ü/boot', __proto: 'x' },
      nixos: { timeout: 5, registration: 'reg' },
    })
    expect(JSON.stringify(plan)).not.toContain('secret')
  })

  test('leaves out what does not apply', async () => {
    const plan = await planImage({ table: { type: 'mbr' }, partitions: [{ type: 'btrfs', size: 'fit' }] })
    expect(Object.keys(plan)).toEqual(['seed', 'table', 'partitions'])
    const [btrfs] = plan.partitions
    for (const key of ['slack', 'swapfile', 'nixos']) expect(btrfs).not.toHaveProperty(key)
  })

  test('refuses every name that UTF-8 cannot spell, so that a plan loses none', async () => {
    const half = '\ud800'
    const spec: ImageSpec = {
      table: { type: 'mbr' },
      partitions: [
        {
          type: 'btrfs',
          size: 'fit',
          label: half,
          subvolumes: [{ name: half }, { name: 'a', path: `/${half}` }],
          paths: [{ path: `/${half}` }, { glob: `/${half}*`, xattrs: { [`user.${half}`]: 'x' } }],
          swapfile: { path: `/${half}`, size: '1MiB' },
          links: { [half]: 'x', y: half },
          nixos: { toplevel: `/nix/store/${'0'.repeat(32)}-${half}` },
          sources: [{ tar: 'x', to: `/${half}` }],
        },
      ],
    }
    const error = await planImage(spec).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(SpecError)
    const at = 'partitions[0]'
    expect((error as SpecError).issues.map(({ path }) => path).sort()).toEqual(
      [
        `${at}.label`,
        `${at}.subvolumes[0].name`,
        `${at}.subvolumes[1].path`,
        `${at}.paths[0].path`,
        `${at}.paths[1].glob`,
        `${at}.paths[1].xattrs["user.\\ud800"]`,
        `${at}.swapfile.path`,
        `${at}.links["\\ud800"]`,
        `${at}.links.y`,
        `${at}.nixos.toplevel`,
        `${at}.sources[0].to`,
      ].sort(),
    )
  })

  test('is what the writers work from', async () => {
    const [plan, resolved] = await Promise.all([planImage(EVERYTHING), resolvePlan(EVERYTHING)])
    const pick = ({ start, number }: { start?: number | undefined; number: number }) => [number, start]
    expect(plan.partitions.map(pick)).toEqual(resolved.partitions.map(pick))
  })
})
