/** The picture of README.md shows what the commands print today. RECORD_REFERENCE=1 draws it again. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { closureTree, storePath } from '../../fixtures/closure-tree.mjs'
import { addSystem, addSystemPath } from '../../fixtures/nixos-shape.mjs'
import { diskwright } from '../cli/diskwright.ts'
import { noise } from '../images/build.ts'
import { DEVICE_TREES, kernelOf, words, writeFirmware } from '../images/nixos-closure.ts'
import { temporaryFolder } from '../output/folder.ts'
import { ROOT } from './pages.ts'
import { terminalPicture } from './terminal-picture.ts'

const PICTURE = join(ROOT, 'docs/images/terminal.svg')
const COMMANDS = [
  'build --closure closure.tar --firmware firmware -o pi.img.zst',
  'ls -l pi.img.zst NIXOS_SD:/@boot/nixos',
  'verify pi.img.zst',
]

const folder = temporaryFolder()

/** A NixOS system with some packages, of which no program runs. */
function makeClosure(): void {
  const tree = closureTree()
  const packages = Array.from({ length: 40 }, (_, i) => storePath('package', `${i}`))
  for (const [i, path] of packages.entries()) {
    tree.storeFile(`${path}/bin/program-${i}`, true, words(100_000, i))
    for (let j = 0; j < 30; j++) tree.storeFile(`${path}/share/file-${j}`, false, words(5_000, 1000 * i + j))
  }
  const kernel = storePath('linux', '6.12.61')
  const kernelImage = kernelOf(9_000_000)
  tree.storeFile(`${kernel}/Image`, true, kernelImage)
  addSystem(tree, {
    ...{ version: '6.12.61', kernel, kernelImage, deviceTrees: DEVICE_TREES },
    profile: addSystemPath(tree, packages),
    initrd: words(7_654_321),
  })
  tree.write(join(folder, 'closure.tar'))
}

/** What a command prints, without the time that it takes. */
async function linesOf(command: string): Promise<string[]> {
  const { exit, stdout, stderr } = await diskwright(command.split(' '), { cwd: folder })
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
  const text = stdout.trimEnd().replaceAll(/, in [\d.]+ s$/gm, '')
  return [`$ diskwright ${command}`, ...text.split('\n')]
}

test('docs/images/terminal.svg', async () => {
  makeClosure()
  writeFirmware(folder)
  writeFileSync(join(folder, 'firmware/start4.elf'), noise(2_250_000))
  const lines: string[] = []
  for (const command of COMMANDS) lines.push(...(await linesOf(command)), '')
  const picture = terminalPicture('diskwright builds, lists and verifies an image', lines.slice(0, -1))
  if (process.env.RECORD_REFERENCE === '1') writeFileSync(PICTURE, picture)
  expect(picture, 'RECORD_REFERENCE=1 draws it again').toBe(readFileSync(PICTURE, 'utf8'))
})
