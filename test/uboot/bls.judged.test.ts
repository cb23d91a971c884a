/** systemd's own bootctl reads entries, and sorts them, as the lint does. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toLatin1 } from '../../src/lib/byte-string.ts'
import { formatBlsEntry, parseBlsEntry } from '../../src/uboot/bls/entry.ts'
import { parseEntryName } from '../../src/uboot/bls/file-name.ts'
import { compareEntries } from '../../src/uboot/bls/order.ts'
import { linuxEntries } from '../../src/uboot/linux-boot.ts'
import { bootctlEntries, canJudgeWithBootctl } from '../judges/bootctl.ts'
import { peImage, SYSTEMD_BOOT } from '../images/pe.ts'
import { systemTree } from './system-trees.ts'

type Files = Record<string, string | Uint8Array>

async function listed(files: Files) {
  const folder = await mkdtemp(join(tmpdir(), 'bootctl-'))
  try {
    for (const [path, content] of Object.entries({
      'loader/loader.conf': 'timeout 5\n',
      kernel: 'x',
      ...files,
    })) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    return await bootctlEntries(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe.skipIf(!canJudgeWithBootctl())('bootctl', () => {
  test('has the order of the menu, and reads what is in entries', async () => {
    const word = fc.stringMatching(/^[a-z0-9][a-z0-9.~^-]{0,6}$/)
    const entry = fc.record({
      // bootctl takes no other characters; systemd-boot takes all.
      stem: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,6}$/),
      counter: fc.option(fc.tuple(fc.nat(3), fc.nat(3)), { nil: undefined }),
      sortKey: fc.option(fc.constantFrom('debian', 'nixos', 'arch'), { nil: undefined }),
      version: fc.option(word, { nil: undefined }),
      machineId: fc.option(fc.constantFrom('0'.repeat(31) + '1', '0'.repeat(31) + '2'), { nil: undefined }),
      options: fc.option(fc.stringMatching(/^[a-z=]{1,8}( [a-z=]{1,4})?$/), { nil: undefined }),
    })
    const entries = fc.uniqueArray(entry, { selector: ({ stem }) => stem, minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(entries, async (made) => {
        const files = Object.fromEntries(
          made.map(({ stem, counter, ...keys }) => [
            `loader/entries/${stem}${counter === undefined ? '' : `+${counter.join('-')}`}.conf`,
            formatBlsEntry({ title: stem, linux: '/kernel', initrds: ['/kernel'], ...keys }),
          ]),
        )
        const ours = Object.entries(files)
          .map(([path, text]) => ({
            ...parseBlsEntry(text),
            ...parseEntryName(path.slice('loader/entries/'.length)),
          }))
          .sort(compareEntries)
        const theirs = await listed(files)
        expect(ours.map(({ id }) => id)).toEqual(theirs.map(({ id }) => id))
        for (const [i, { title, version, machineId, sortKey, options, linux, counter }] of ours.entries()) {
          expect(theirs[i]).toMatchObject(
            JSON.parse(
              JSON.stringify({
                title,
                version,
                machineId,
                sortKey,
                options,
                linux,
                triesLeft: counter?.left,
              }),
            ) as object,
          )
        }
      }),
      { numRuns: 40 },
    )
  })

  test('shows the kernels of a Debian of two slots, the one on trial first', async () => {
    const version = '6.1.0-25-amd64'
    const tree = await systemTree({
      [`boot/vmlinuz-${version}`]: peImage(),
      [`boot/initrd.img-${version}`]: 'initrd',
      'usr/lib/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
      'usr/lib/systemd/boot/efi/systemd-bootx64.efi': peImage({ sections: SYSTEMD_BOOT }),
    })
    const options = {
      ...{
        root: 'root=UUID=x',
        kernels: 20,
        deviceTree: true,
        timeout: 5,
        editor: true,
        consoleMode: 'keep',
      },
      ...{ cmdline: undefined, program: undefined },
    }
    const files: Files = {}
    for (const [slot, tries] of [
      ['a', undefined],
      ['b', 3],
    ] as const) {
      for (const file of await linuxEntries(tree, { ...options, slot, tries })) {
        files[toLatin1(file.path)] = 'content' in file ? file.content : 'x'
      }
    }
    expect(await listed(files)).toMatchObject([
      {
        id: `debian-b-${version}.conf`,
        title: 'Debian GNU/Linux 12 (bookworm) [b]',
        version,
        sortKey: 'debian',
        triesLeft: 3,
      },
      { id: `debian-a-${version}.conf`, linux: `/debian-a/${version}/linux`, options: 'root=UUID=x rw' },
    ])
  })
})
