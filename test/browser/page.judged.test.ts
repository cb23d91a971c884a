/** A page that reads an image. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { extractTar as extractTarFile } from '../../src/image/extract/extract.ts'
import { buildReadable } from '../images/readable.ts'
import { canBrowse, visit } from '../judges/chromium.ts'

let folder: string
let raw: string
let zstd: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-page-'))
  ;({ raw, zstd } = await buildReadable(folder))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.runIf(canBrowse())('a page lists an image that it is given', async () => {
  const entry = join(folder, 'page.js')
  writeFileSync(
    entry,
    `import { openImage, extractTar } from ${JSON.stringify(join(import.meta.dirname, '../../src/browser/index.ts'))}
     window.listImage = async (blob) => {
       const image = await openImage(blob)
       const tar = await new Response(extractTar(image, { partition: 'ROOT', path: '/@/etc' })).blob()
       return [...image.partitions.map(({ contentType, label }) => contentType + ' ' + label), String(tar.size)]
     }`,
  )
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    absWorkingDir: join(import.meta.dirname, '../..'),
    nodePaths: [join(import.meta.dirname, '../../node_modules')],
  })
  const page = join(folder, 'page.html')
  const script = outputFiles[0].text.replaceAll('</script', '<\\/script')
  writeFileSync(
    page,
    `<!doctype html><meta charset="utf-8"><input type="file"><p></p><script>${script}</script><script>
      document.querySelector('input').onchange = async ({ target }) => {
        const lines = await listImage(target.files[0]).catch((error) => [String(error)])
        document.querySelector('p').textContent = lines.join(', ')
      }</script>`,
  )
  const { archiveBytes } = await extractTarFile(raw, {
    partition: 'ROOT',
    path: '/@/etc',
    output: join(folder, 'page.tar'),
  })
  await visit(page, {}, async (opened) => {
    await opened.setInputFiles('input', zstd)
    await opened.waitForFunction("document.querySelector('p').textContent !== ''")
    expect(await opened.textContent('p')).toBe(`fat32 FIRMWARE, btrfs ROOT, ${archiveBytes}`)
  })
})
