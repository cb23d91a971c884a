/** Menus are read as U-Boot itself reads them; here, because npm test does not compile U-Boot. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseExtlinux, pathFrom } from '../../src/uboot/extlinux.ts'
import { inFolder } from '../images/build.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { canAskUboot, ubootMenus, type BootedMenu } from '../judges/uboot-sandbox.ts'

const canJudge = canAskUboot('new') && requireJudge('mkfs.vfat') && requireJudge('mcopy')

const FILES = new Set(['/Image', '/other', '/one', '/two'])

/** What U-Boot loads for the one entry of a menu. */
function expected(menu: string): BootedMenu {
  const { entries, problems } = parseExtlinux(menu)
  const { kernel, initrd, append } = entries[0]
  if (kernel === undefined || problems.some((problem) => problem.endsWith('U-Boot reads no further'))) {
    return { files: [], append: undefined }
  }
  const paths = [kernel, ...(initrd === undefined || initrd === kernel ? [] : [initrd])]
  const files = paths.map((path) => pathFrom('/e.cfg', path))
  // Without a file it gives up before it looks at the command line.
  return { files, append: files.every((path) => FILES.has(path)) ? append : undefined }
}

async function booted(menus: readonly string[], folder: string): Promise<BootedMenu[]> {
  const image = join(folder, 'image')
  const names = menus.map((_, i) => `e${i}.cfg`)
  const files = [...FILES].map((path) => ({ name: path.slice(1), text: path.repeat(200) }))
  for (const [i, text] of menus.entries()) files.push({ name: names[i], text })
  for (const { name, text } of files) writeFileSync(join(folder, name), text)
  await mustRun('sh', ['-ec', 'rm -f "$1"; truncate -s 4M "$1"; mkfs.vfat "$1"', 'sh', image])
  await mustRun('mcopy', ['-i', image, ...files.map(({ name }) => join(folder, name)), '::/'])
  return ubootMenus('new', image, names)
}

describe.skipIf(!canJudge)('a menu', () => {
  const line = fc.constantFrom(
    'LINUX /Image',
    'KERNEL /other',
    'INITRD /one',
    'INITRD /two',
    'INITRD linux /other',
    'INITRD append x y',
    'APPEND quiet',
    'APPEND ro initrd=/two quiet',
    'APPEND rd.initrd=/one  x',
    'initrd #/one',
    '# INITRD /two',
    'TEXT HELP',
  )

  test('has the kernel, initrd and command line that U-Boot takes', () =>
    inFolder(async (folder) => {
      const menu = fc
        .array(line, { minLength: 1, maxLength: 6 })
        .map((lines) => `DEFAULT a\nLABEL a\n LINUX /Image\n ${lines.join('\n ')}\n`)
      await fc.assert(
        fc.asyncProperty(fc.array(menu, { minLength: 40, maxLength: 40 }), async (menus) => {
          const found = await booted(menus, folder)
          const pairs = (list: readonly BootedMenu[]) => menus.map((text, i) => ({ text, ...list[i] }))
          expect(pairs(found)).toEqual(pairs(menus.map(expected)))
        }),
        { numRuns: 5, endOnFailure: true },
      )
    }))

  test('that ends with an initrd= makes U-Boot crash', () =>
    inFolder(async (folder) => {
      const menu = 'DEFAULT a\nLABEL a\n LINUX /Image\n APPEND quiet initrd=/one\n'
      expect(parseExtlinux(menu).entries[0].hasOpenInitrd).toBe(true)
      await expect(booted([menu], folder)).rejects.toThrow(/Retrieving file: \/e0.cfg\s*$/)
    }))
})
