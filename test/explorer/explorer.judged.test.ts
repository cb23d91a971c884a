/** The explorer, used as people do. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { buildImage } from 'diskwright'
import { extractTar } from '../../src/image/extract/extract.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { BIG_FILE, buildReadable, TEXT_FILE } from '../images/readable.ts'
import { canBrowse } from '../judges/chromium.ts'
import { findTool } from '../judges/run-tool.ts'
import { openSite, type OpenOptions, type Site } from './site.ts'

const browses = canBrowse()
let folder: string
let site: Site
let raw: string
let zstd: string

beforeAll(async () => {
  if (!browses) return
  folder = mkdtempSync(join(tmpdir(), 'diskwright-explorer-'))
  ;({ raw, zstd } = await buildReadable(folder))
  site = await openSite(folder)
})
afterAll(async () => {
  if (!browses) return
  await site.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Uses the page; it must not complain. */
async function visit(work: (page: Page) => Promise<void>, options?: OpenOptions): Promise<void> {
  const { page, complaints } = await site.open(options)
  await work(page)
  expect(complaints).toEqual([])
  await page.context().close()
}

async function openFile(page: Page, path: string): Promise<void> {
  await page.getByLabel('Choose a file').first().setInputFiles(path)
  await page.getByRole('tree').waitFor()
}

/** Goes down from the directory that is shown. */
async function enter(page: Page, ...names: string[]): Promise<void> {
  for (const name of names) {
    await page.getByRole('button', { name, exact: true }).click()
    await page.getByRole('heading', { name, exact: true, level: 2 }).waitFor()
    await page.getByText('Reading…').waitFor({ state: 'hidden' })
  }
}

async function download(page: Page, button: string): Promise<Buffer> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button, exact: true }).click(),
  ])
  return readFileSync(await file.path())
}

const expectSame = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0)

describe.skipIf(!browses)('an image', () => {
  test('is browsed, shown and taken out in parts', async () => {
    await visit(async (page) => {
      await openFile(page, zstd)
      expect(await page.getByRole('heading', { level: 1 }).first().textContent()).toBe('disk.img.zst')
      await enter(page, '@', 'etc', 'hostname')
      expect(await page.getByRole('region', { name: 'Text of the file' }).textContent()).toBe('disk\n')
      expectSame(await download(page, 'Download'), Buffer.from('disk\n'))
      await page.getByRole('navigation', { name: 'Path' }).getByRole('button', { name: 'etc' }).click()
      await enter(page, 'text')
      expectSame(await download(page, 'Download'), Buffer.from(TEXT_FILE))
      await page.getByRole('navigation', { name: 'Path' }).getByRole('button', { name: 'etc' }).click()
      await enter(page, 'big')
      const bytes = await page.getByRole('region', { name: 'Bytes of the file' }).textContent()
      expect(bytes).toMatch(/^00000000 {2}([\da-f]{2} ){16} .{16}\n00000010 /)
      await page.getByRole('navigation', { name: 'Path' }).getByRole('button', { name: 'etc' }).click()
      await page.getByRole('heading', { name: 'etc', exact: true, level: 2 }).waitFor()
      const tar = await download(page, 'Download as tar')
      const output = join(folder, 'etc.tar')
      await extractTar(zstd, { partition: 'ROOT', path: '/@/etc', output })
      expectSame(tar, readFileSync(output))
    })
  })

  test('is browsed by keyboard', async () => {
    await visit(async (page) => {
      await openFile(page, raw)
      const focused = () => page.evaluate<string>('document.activeElement.textContent')
      const expanded = (name: string) =>
        page.getByRole('treeitem', { name }).first().getAttribute('aria-expanded')
      await page.getByRole('treeitem', { name: 'ROOT BTRFS' }).focus()
      await page.keyboard.press('Home')
      expect(await focused()).toBe('FIRMWARE FAT32')
      await page.keyboard.press('ArrowRight')
      await page.getByRole('treeitem', { name: 'overlays' }).waitFor()
      await page.keyboard.press('ArrowRight')
      expect(await focused()).toBe('overlays')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'overlays', level: 2 }).waitFor()
      await page.keyboard.press('ArrowLeft')
      expect(await focused()).toBe('FIRMWARE FAT32')
      expect(await expanded('FIRMWARE')).toBe('true')
      await page.keyboard.press('ArrowLeft')
      expect(await expanded('FIRMWARE')).toBe('false')
      await page.keyboard.press('r')
      expect(await focused()).toBe('ROOT BTRFS')
      await page.getByRole('tab', { name: 'Files' }).focus()
      await page.keyboard.press('ArrowRight')
      expect(await page.getByRole('tab', { name: 'Map' }).getAttribute('aria-selected')).toBe('true')
    })
  })

  test('has a map', async () => {
    await visit(async (page) => {
      await openFile(page, zstd)
      await page.getByRole('tab', { name: 'Map' }).click()
      const map = page.frameLocator('iframe')
      await map.getByRole('heading', { name: 'ROOT' }).waitFor()
      expect(await map.locator('article').count()).toBe(2)
    })
  })

  test('is verified', async () => {
    const damaged = join(folder, 'damaged.img')
    const bytes = readFileSync(raw)
    // It cannot be compressed, so it stands there as it is.
    bytes[bytes.indexOf(BIG_FILE.subarray(100_000, 100_064))] ^= 1
    writeFileSync(damaged, bytes)
    await visit(async (page) => {
      await openFile(page, zstd)
      await page.getByRole('tab', { name: 'Verify' }).click()
      await page.getByRole('button', { name: 'Verify the image' }).click()
      await page.getByText('The image is sound.').first().waitFor()
      await page.getByRole('button', { name: 'Open another image' }).click()
      await openFile(page, damaged)
      await page.getByRole('tab', { name: 'Verify' }).click()
      await page.getByRole('button', { name: 'Verify the image' }).click()
      await page.locator('.verdict.damaged').waitFor()
      expect(await page.locator('.finding.error').first().textContent()).toMatch(/checksum/)
    })
  })

  test('is fetched in parts', async () => {
    await visit(async (page) => {
      await page.getByLabel('Address of an image').first().fill(`${site.files}disk.img`)
      await page.getByRole('button', { name: 'Open address' }).first().click()
      await page.getByRole('tree').waitFor()
      await enter(page, '@', 'etc', 'hostname')
      expect(await page.getByRole('region', { name: 'Text of the file' }).textContent()).toBe('disk\n')
    })
    const { length } = readFileSync(raw)
    expect(site.sent.get('/disk.img')).toBeLessThan(length / 10)
  })

  test.each(['gz', 'xz'])('is decompressed (.img.%s)', async (format) => {
    const small = join(folder, 'small.img')
    const spec: ImageSpec = {
      table: { type: 'none' },
      partitions: [{ type: 'btrfs', label: 'ALONE', size: 'fit', slack: 0, sources: [{ tar: 'root.tar' }] }],
    }
    await buildImage(spec, { output: small, baseDirectory: folder, force: true })
    if (format === 'gz') writeFileSync(`${small}.gz`, gzipSync(readFileSync(small)))
    else execFileSync(findTool('xz') ?? 'xz', ['-kf', '-1', small])
    await visit(async (page) => {
      await openFile(page, `${small}.${format}`)
      await enter(page, 'etc', 'hostname')
      expect(await page.getByRole('region', { name: 'Text of the file' }).textContent()).toBe('disk\n')
    })
  })

  test('of 4 GiB takes bounded memory', async () => {
    const large = join(folder, 'large.img')
    const spec: ImageSpec = {
      table: { type: 'mbr' },
      partitions: [{ type: 'btrfs', label: 'LARGE', size: '4GiB', sources: [{ tar: 'root.tar' }] }],
    }
    await buildImage(spec, { output: large, baseDirectory: folder })
    await visit(async (page) => {
      await openFile(page, large)
      await page.getByRole('tab', { name: 'Verify' }).click()
      await page.getByRole('button', { name: 'Verify the image' }).click()
      await page.getByText('The image is sound.').first().waitFor()
      expect(await largestProcess()).toBeLessThan(600 << 20)
    })
  })
})

/** The most memory that a page with its worker has taken, in bytes. (VmHWM of proc(5)) */
async function largestProcess(): Promise<number> {
  const session = await site.browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const peaks = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(
      ({ id }) => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))![1]) * 1024,
    )
  return Math.max(...peaks)
}

test.skipIf(!browses)('two images are compared', async () => {
  const other = join(folder, 'other.img.zst')
  await buildImage(
    {
      ...specOf(),
      partitions: specOf().partitions.map((partition) =>
        partition.type === 'btrfs'
          ? { ...partition, sources: [...partition.sources!, { files: { '/etc/hostname': 'other\n' } }] }
          : partition,
      ),
    },
    { output: other, baseDirectory: folder },
  )
  await visit(async (page) => {
    await page.getByRole('tab', { name: 'Compare' }).click()
    await page.getByLabel('Choose a file').nth(1).setInputFiles(zstd)
    await page.getByRole('button', { name: 'Choose another' }).first().waitFor()
    await page.getByLabel('Choose a file').last().setInputFiles(other)
    await page.getByRole('button', { name: 'Choose another' }).nth(1).waitFor()
    await page.getByLabel('Leave out times').check()
    await page.getByRole('button', { name: 'Compare', exact: true }).click()
    const row = page.getByRole('row', { name: '/@/etc/hostname size 5 6' })
    await row.waitFor()
    expect(await page.locator('.verdict').last().textContent()).toMatch(/^\d+ differences\.$/)
  })
})

function specOf(): ImageSpec {
  return {
    seed: 'readable',
    table: { type: 'mbr', diskId: '0x12345678' },
    partitions: [
      { type: 'fat32', label: 'FIRMWARE', size: '64MiB', sources: [{ directory: 'firmware' }] },
      {
        type: 'btrfs',
        label: 'ROOT',
        uuid: '44444444-4444-4444-8888-888888888889',
        bootable: true,
        size: 'fit',
        compression: 'zstd:3',
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@home', path: '/home' },
        ],
        sources: [{ tar: 'root.tar' }],
      },
    ],
  }
}

describe.skipIf(!browses)('an image is made', () => {
  const firmware = () => ['config.txt', 'kernel8.img'].map((name) => join(folder, 'firmware', name))

  test.each([
    ['img.zst', 'root.tar'],
    ['img', 'root.tar.gz'],
    ['img.zst', 'root.tar.zst'],
  ])('.%s of %s, with the bytes of the command', async (format, tar) => {
    if (tar.endsWith('.gz'))
      writeFileSync(join(folder, tar), gzipSync(readFileSync(join(folder, 'root.tar'))))
    if (tar.endsWith('.zst')) execFileSync('zstd', ['-qf', join(folder, 'root.tar')])
    const files = Object.fromEntries(firmware().map((path) => [path.replace(/.*\//, '/'), { from: path }]))
    for (const path of firmware()) utimesSync(path, 1_700_000_000, 1_700_000_000)
    const base = specOf()
    const described = (list: Record<string, unknown>) =>
      ({
        ...base,
        partitions: [
          { ...base.partitions[0], sources: [{ files: list }] },
          { ...base.partitions[1], sources: [{ tar }] },
        ],
      }) as ImageSpec
    const output = join(folder, `expected.${format}`)
    await buildImage(described(files), { output, baseDirectory: folder, force: true })
    const expected = readFileSync(output)
    await visit(async (page) => {
      await page.getByRole('tab', { name: 'Make' }).click()
      await page.getByLabel('Choose files').setInputFiles([join(folder, tar), ...firmware()])
      expect(
        await page.getByRole('list', { name: 'Files for the image' }).getByRole('listitem').count(),
      ).toBe(3)
      const given = Object.fromEntries(
        firmware().map((path) => [path.replace(/.*\//, '/'), { from: path.replace(/.*\//, 'firmware/') }]),
      )
      await page.getByLabel('Description (JSON)').fill(JSON.stringify(described(given)))
      await page.getByText('as large as its content').waitFor()
      await page.getByLabel('Format').selectOption(format)
      expectSame(await download(page, 'Make the image'), expected)
      const sum = await page.locator('.sum code').textContent()
      expect(sum).toBe(createHash('sha256').update(expected).digest('hex'))
      await page.getByRole('button', { name: 'Look into it' }).click()
      await page.getByRole('tree').waitFor()
    })
  })

  test('from a preset, which takes the files that are there', async () => {
    await visit(async (page) => {
      await page.getByRole('tab', { name: 'Make' }).click()
      await page.getByLabel('Choose files').setInputFiles(join(folder, 'root.tar'))
      await page.getByLabel('Start from').selectOption('raspberry-pi')
      const text = await page.getByLabel('Description (JSON)').inputValue()
      expect(JSON.parse(text)).toMatchObject({
        partitions: [{ type: 'fat32' }, { sources: [{ tar: 'root.tar' }] }],
      })
    })
  })

  test('mistakes are named where they are', async () => {
    await visit(async (page) => {
      await page.getByRole('tab', { name: 'Make' }).click()
      await page
        .getByLabel('Description (JSON)')
        .fill('{ "table": { "type": "mbr" }, "partitions": [{ "type": "btrfs", "labl": 1 }] }')
      await page.getByText(/partitions\[0\]\.labl: unknown key/).waitFor()
      await page.getByLabel('Description (JSON)').fill('{')
      await page.getByText(/This is not JSON/).waitFor()
    })
  })
})

/** The dialog of the system cannot be answered by a program: this one takes the file system of the page. */
const PICKER = `window.showSaveFilePicker = async ({ suggestedName }) => {
  if (window.cancelled) throw new DOMException('cancelled', 'AbortError')
  const folder = await navigator.storage.getDirectory()
  return folder.getFileHandle(suggestedName, { create: true })
}`

describe.skipIf(!browses)('where the browser can write to a file that is chosen', () => {
  /** SHA-256 of a file that was chosen; undefined when there is none. */
  const chosen = (page: Page, name: string) =>
    page.evaluate<string | undefined>(`(async () => {
      const folder = await navigator.storage.getDirectory()
      const handle = await folder.getFileHandle('${name}').catch(() => undefined)
      if (handle === undefined) return undefined
      const bytes = await (await handle.getFile()).arrayBuffer()
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
      return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
    })()`)
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

  test('a file and a directory are written there', async () => {
    await visit(async (page) => {
      await page.evaluate(PICKER)
      await openFile(page, zstd)
      await enter(page, '@', 'etc')
      await page.getByRole('button', { name: 'Download as tar' }).click()
      await page.getByText('Saved etc.tar').first().waitFor()
      const output = join(folder, 'chosen.tar')
      await extractTar(zstd, { partition: 'ROOT', path: '/@/etc', output })
      expect(await chosen(page, 'etc.tar')).toBe(sha256(readFileSync(output)))
      await enter(page, 'text')
      await page.getByRole('button', { name: 'Download', exact: true }).click()
      await page.getByText('Saved text').first().waitFor()
      expect(await chosen(page, 'text')).toBe(sha256(Buffer.from(TEXT_FILE)))
    })
  })

  test('a made image is streamed there, and nothing is made when no file is chosen', async () => {
    const files = { '/etc/hostname': 'made\n' }
    const spec: ImageSpec = {
      table: { type: 'gpt' },
      partitions: [{ type: 'btrfs', label: 'MADE', size: 'fit', sources: [{ files }] }],
    }
    const output = join(folder, 'made.img.zst')
    await buildImage(spec, { output })
    await visit(async (page) => {
      await page.evaluate(`${PICKER}; window.cancelled = true`)
      await page.getByRole('tab', { name: 'Make' }).click()
      await page.getByLabel('Description (JSON)').fill(JSON.stringify(spec))
      await page.getByText('as large as its content').waitFor()
      await page.getByLabel('Format').selectOption('img.zst')
      await page.getByRole('button', { name: 'Make the image' }).click()
      expect(await chosen(page, 'disk.img.zst')).toBeUndefined()
      await page.evaluate('window.cancelled = false')
      await page.getByRole('button', { name: 'Make the image' }).click()
      const sum = await page.locator('.sum code').textContent()
      expect(sum).toBe(sha256(readFileSync(output)))
      expect(await chosen(page, 'disk.img.zst')).toBe(sum)
    })
  })
})

describe.skipIf(!browses)('pictures', () => {
  const PIXEL =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=='

  test('are shown, but not damaged ones', async () => {
    const image = join(folder, 'pictures.img')
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><rect width="30" height="20"/></svg>'
    writeFileSync(join(folder, 'pixel.png'), Buffer.from(PIXEL, 'base64'))
    writeFileSync(join(folder, 'damaged.png'), Buffer.from(PIXEL, 'base64').fill(0, 8, 40))
    const files = {
      '/pixel.png': { from: 'pixel.png' },
      '/damaged.png': { from: 'damaged.png' },
      '/drawing.svg': svg,
    }
    await buildImage(
      {
        table: { type: 'none' },
        partitions: [{ type: 'btrfs', label: 'PICTURES', size: 'fit', slack: 0, sources: [{ files }] }],
      },
      { output: image, baseDirectory: folder },
    )
    const back = (page: Page) =>
      page.getByRole('navigation', { name: 'Path' }).getByRole('button').first().click()
    await visit(async (page) => {
      await openFile(page, image)
      for (const [name, width] of [
        ['pixel.png', 1],
        ['drawing.svg', 30],
      ] as const) {
        await enter(page, name)
        await page.getByRole('img', { name }).waitFor()
        await page.waitForFunction(`document.querySelector('.picture img').naturalWidth === ${width}`)
        await back(page)
      }
      await enter(page, 'damaged.png')
      await page.getByText('The picture is damaged').waitFor()
    })
  })
})

describe.skipIf(!browses)('the page', () => {
  test.each<[string, OpenOptions]>([
    ['on a desktop', {}],
    ['dark', { colorScheme: 'dark' }],
    ['on a phone', { width: 390, height: 844 }],
  ])('is accessible %s', async (_, options) => {
    const axe = readFileSync(join(import.meta.dirname, '../../node_modules/axe-core/axe.min.js'), 'utf8')
    await visit(async (page) => {
      const judge = async (where: string) => {
        const wrong = await page.evaluate<string[]>(
          `${axe}; axe.run({ iframes: false }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
        )
        expect({ where, wrong }).toEqual({ where, wrong: [] })
        const isWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')
        expect({ where, isWide }).toEqual({ where, isWide: false })
      }
      await judge('start')
      await openFile(page, zstd)
      await enter(page, '@', 'etc')
      await judge('directory')
      await enter(page, 'hostname')
      await judge('file')
      await page.getByRole('tab', { name: 'Verify' }).click()
      await page.getByRole('button', { name: 'Verify the image' }).click()
      await page.getByText('The image is sound.').first().waitFor()
      await judge('verify')
      await page.getByRole('tab', { name: 'Compare' }).click()
      await judge('compare')
      await page.getByRole('tab', { name: 'Make' }).click()
      await page.getByText('as large as its content').waitFor()
      await judge('make')
    }, options)
  })

  test('works as a file, too', async () => {
    await visit(
      async (page) => {
        await openFile(page, zstd)
        await enter(page, '@', 'etc', 'hostname')
        expectSame(await download(page, 'Download'), Buffer.from('disk\n'))
      },
      { address: pathToFileURL(join(site.page, 'index.html')).href },
    )
  })

  test('says what is wrong with a file', async () => {
    const text = join(folder, 'image.lz')
    writeFileSync(text, Buffer.concat([Buffer.from('LZIP\x01'), Buffer.alloc(1000)]))
    const { page } = await site.open()
    await page.getByLabel('Choose a file').first().setInputFiles(text)
    expect(await page.getByRole('alert').locator('p').textContent()).toMatch(/lzip/)
    await page.context().close()
  })
})
