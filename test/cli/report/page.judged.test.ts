/** The page of `diskwright inspect --html`, in a browser. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromText } from '../../../src/lib/byte-string.ts'
import { noise, text } from '../../images/build.ts'
import { canBrowse, visit } from '../../judges/chromium.ts'
import { buildTar, type TarInput } from '../../tar/build-tar.ts'
import { diskwright } from '../diskwright.ts'

const HOSTILE = {
  script: '<script>alert(1)<script>',
  handler: `"><img src=x onerror='alert(1)'>`,
  separator: 'line\u2028and\u2029paragraph',
  hebrew: 'שלום עולם',
  override: 'txt.\u202eexe',
}
const file = (path: string, content: Uint8Array): TarInput => ({
  path: fromText(path),
  type: 'file',
  content,
})
const entries: TarInput[] = [
  file('usr/share/large', noise(3_000_000)),
  file('usr/share/doc/text', text(4_000_000)),
  file('usr/lib/library', noise(1_500_000, 2)),
  ...Object.values(HOSTILE).map((name, i) => file(`hostile/${name}/file`, noise(600_000, 10 + i))),
  ...Array.from({ length: 40 }, (_, i) => file(`usr/small/${i}`, noise(3000, 20 + i))),
  file('boot/Image', noise(2_000_000, 5)),
]

let folder: string
let page: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-page-'))
  writeFileSync(join(folder, 'root.tar'), buildTar(entries))
  writeFileSync(join(folder, 'boot.tar'), buildTar([file('config.txt', text(5000))]))
  const output = join(folder, '<b>image.img')
  await buildImage(
    {
      seed: 'page',
      table: { type: 'mbr' },
      partitions: [
        { type: 'fat32', size: '64MiB', label: 'FIRMWARE', sources: [{ tar: 'boot.tar' }] },
        {
          type: 'btrfs',
          size: 'fit',
          label: '<i>"root"',
          compression: 'zstd',
          subvolumes: [
            { name: '@', path: '/' },
            { name: '@boot', path: '/boot', nodatacow: true },
          ],
          sources: [{ tar: 'root.tar' }],
        },
      ],
    },
    { output, baseDirectory: folder },
  )
  page = join(folder, 'report.html')
  const { exit, stdout, stderr } = await diskwright(['inspect', output, '--html', page])
  expect({ exit, stdout, stderr }).toEqual({ exit: 0, stdout: '', stderr: '' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const btrfs = (at: Page) => at.locator('#partition-2')
const treemap = (at: Page) => btrfs(at).locator('.treemap')
const cell = (at: Page, name: string) => treemap(at).locator(`.cell[data-name=${JSON.stringify(name)}]`)
const trail = (at: Page) => btrfs(at).locator('.trail bdi').allInnerTexts()

/** Accessible names of the elements. */
async function labels(at: Page, selector: string): Promise<string[]> {
  const all = await at.locator(selector).all()
  return Promise.all(all.map(async (one) => (await one.getAttribute('aria-label')) ?? ''))
}

/** Position of an element on the page. */
async function box(at: Page, selector: string) {
  return (await at.locator(selector).first().boundingBox())!
}

async function overflow(at: Page): Promise<number> {
  return at.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}

/** Ratio of the luminance of an element's text to that of what is behind it. (WCAG 2, contrast ratio) */
async function contrast(at: Page, selector: string): Promise<number> {
  const colours = await at.evaluate<[string, string[]]>(
    `${COLOURS_OF}(document.querySelector('${selector}'))`,
  )
  const channels = (colour: string) => /[\d.]+(?:, ?[\d.]+)*/.exec(colour)![0].split(',').map(Number)
  const opaque = colours[1].map(channels).find(([, , , alpha = 1]) => alpha === 1)!
  const luminance = (rgb: number[]) => {
    const [r, g, b] = rgb.map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const [a, b] = [luminance(channels(colours[0])), luminance(opaque)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

/** Runs in the browser: the colour of an element, and the backgrounds from it outwards. */
const COLOURS_OF = `((element) => {
  const backgrounds = []
  for (let at = element; at; at = at.parentElement) backgrounds.push(getComputedStyle(at).backgroundColor)
  return [getComputedStyle(element).color, backgrounds]
})`

/** Which of the colours a cell has. */
async function classOf(at: Page, name: string): Promise<string> {
  return (await cell(at, name).getAttribute('class'))!.split(' ')[2]
}

describe('the file', () => {
  test('is the same for the same image, needs nothing else, and allows nothing else', async () => {
    const html = readFileSync(page, 'utf8')
    const again = join(folder, 'again.html')
    await diskwright(['inspect', join(folder, '<b>image.img'), '--html', again])
    expect(readFileSync(again, 'utf8')).toBe(html)
    expect(html).toContain(`content="default-src 'none'; style-src 'sha256-`)
    expect(html).not.toMatch(/https?:(?!\/\/www\.w3\.org\/2000\/svg)/)
    expect(html.match(/<script\b/g)).toHaveLength(2)
    expect(html).not.toContain('\u2028')
    expect(html).toContain('<title>&lt;b&gt;image.img</title>')
  })

  test('is replaced only when asked to', async () => {
    const args = ['inspect', join(folder, '<b>image.img'), '--html', page]
    expect(await diskwright(args)).toMatchObject({
      exit: 1,
      stderr: `diskwright: ${page}: already exists; use --force\n`,
    })
    expect(await diskwright([...args, '--force'])).toMatchObject({ exit: 0 })
  })
})

describe.skipIf(!canBrowse())('in a browser', () => {
  test('shows the disk to scale, with gaps, and what is in it', async () => {
    await visit(page, {}, async (at) => {
      expect(await at.title()).toBe('<b>image.img')
      expect(await at.locator('h1').innerText()).toBe('<b>image.img')
      expect(await at.locator('h2').allInnerTexts()).toEqual([
        'Disk',
        expect.stringMatching(/^1\s+FIRMWARE\s+FAT32$/),
        expect.stringMatching(/^2\s+<i>"root"\s+BTRFS$/),
      ])
      const pieces = at.locator('.disk .piece')
      expect(await labels(at, '.disk .piece')).toEqual([
        'in no partition, 0 bytes – 1 MiB, 1 MiB (1,048,576 bytes)',
        expect.stringMatching(/^1 FIRMWARE, FAT32, 64 MiB, 1 MiB – 65 MiB/),
        expect.stringMatching(/^2 <i>"root", BTRFS, /),
      ])
      const [fat, root] = [
        await box(at, '.disk .slot:nth-child(2)'),
        await box(at, '.disk .slot:nth-child(3)'),
      ]
      const size = Number(
        /(\d[\d,]*) bytes\)$/.exec((await pieces.nth(2).getAttribute('aria-label'))!)![1].replaceAll(',', ''),
      )
      expect(fat.width / root.width).toBeCloseTo((64 * 2 ** 20) / size, 1)
      expect(root.x).toBeGreaterThan(fat.x + fat.width - 1)
      const texts = await btrfs(at).innerText()
      for (const expected of [
        'Compression',
        'COMPRESS_ZSTD',
        '@boot',
        'nodatacow',
        'crc32c',
        'metadata dup',
      ]) {
        expect(texts).toContain(expected)
      }
      // One strip for each chunk, one for the data of the FAT; each says in words what it shows.
      const strips = await labels(at, '.strip')
      expect(strips.length).toBeGreaterThan(3)
      for (const label of strips) expect(label).toMatch(/% of [\d.]+ \w+ used/)
      expect(await overflow(at)).toBe(0)
    })
  })

  test('goes into directories and back, by mouse', async () => {
    await visit(page, {}, async (at) => {
      expect(await trail(at)).toEqual(['top level'])
      await cell(at, '@').click({ position: { x: 5, y: 5 } })
      expect(await trail(at)).toEqual(['top level', '@'])
      await cell(at, 'usr').click({ position: { x: 5, y: 5 } })
      expect(await trail(at)).toEqual(['top level', '@', 'usr'])
      await cell(at, 'share').hover({ position: { x: 5, y: 5 } })
      const tip = await at.locator('.tip').innerText()
      expect(tip).toMatch(
        /^share\n[\d.]+ MiB on disk, \d+ % of all\n6\.7 MiB of content\ncompression .*\n2 files/,
      )
      // Sizes on disk count: text compresses to almost nothing.
      const areaOf = async (name: string) => {
        const { width, height } = (await cell(at, name).first().boundingBox())!
        return width * height
      }
      expect(await areaOf('share')).toBeGreaterThan(1.6 * (await areaOf('lib')))
      const before = await areaOf('lib')
      await btrfs(at).locator('.choice label', { hasText: 'Size of content' }).click()
      expect(await areaOf('lib')).toBeLessThan(before)
      await btrfs(at).locator('.trail button').first().click()
      expect(await trail(at)).toEqual(['top level'])
    })
  })

  test('goes into directories and back, by keyboard', async () => {
    await visit(page, {}, async (at) => {
      const focused = () => at.evaluate<string>('document.activeElement.dataset.name ?? ""')
      await treemap(at).locator(':scope > [tabindex="0"]').focus()
      expect(await focused()).toBe('@')
      await at.keyboard.press('ArrowRight')
      expect(await focused()).toBe('@boot')
      await at.keyboard.press('Home')
      await at.keyboard.press('Enter')
      expect(await trail(at)).toEqual(['top level', '@'])
      expect(await focused()).toBe('usr')
      await at.keyboard.press('Enter')
      expect(await trail(at)).toEqual(['top level', '@', 'usr'])
      await at.keyboard.press('Backspace')
      await at.keyboard.press('Escape')
      expect(await trail(at)).toEqual(['top level'])
      expect(await focused()).toBe('@')
    })
  })

  test('colours by subvolume or by compression', async () => {
    await visit(page, {}, async (at) => {
      const colours = () => Promise.all(['@', '@boot'].map((name) => classOf(at, name)))
      expect(await colours()).toEqual(['hue-0', 'hue-1'])
      await btrfs(at).locator('.choice label', { hasText: 'Compression' }).click()
      expect(await colours()).toEqual(['ratio-1', 'ratio-0'])
      expect(await btrfs(at).locator('.legend', { hasText: 'up to 1.5 ×' }).innerText()).toContain('as it is')
    })
  })

  test('shows names as they are, whatever they are', async () => {
    await visit(page, {}, async (at) => {
      await cell(at, '@').click({ position: { x: 5, y: 5 } })
      await cell(at, 'hostile').click({ position: { x: 5, y: 5 } })
      const names = await treemap(at).locator(':scope > .cell > .cell-title bdi').allInnerTexts()
      expect(names.sort()).toEqual(
        [
          HOSTILE.script,
          HOSTILE.handler,
          HOSTILE.hebrew,
          'line\\xe2\\x80\\xa8and\\xe2\\x80\\xa9paragraph',
          'txt.\\xe2\\x80\\xaeexe',
        ].sort(),
      )
      await cell(at, HOSTILE.hebrew).hover({ position: { x: 5, y: 5 } })
      expect(await at.locator('.tip-title').innerText()).toBe(HOSTILE.hebrew)
      expect(await at.locator('img, b, i:not([class])').count()).toBe(0)
    })
  })

  test('is legible in the dark, and on a narrow screen', async () => {
    const LEGIBLE = 4.5
    const texts = [
      'h1',
      '.lead',
      '.figure-title',
      '.facts dd',
      '.piece-line',
      '.cell-name',
      '.chips li',
      '.legend-entry',
      'summary',
    ]
    for (const colorScheme of ['light', 'dark'] as const) {
      await visit(page, { width: 400, height: 800, colorScheme }, async (at) => {
        expect(await overflow(at)).toBe(0)
        const background = await at.evaluate<string>('getComputedStyle(document.body).backgroundColor')
        expect(background).toBe(colorScheme === 'light' ? 'rgb(244, 245, 247)' : 'rgb(18, 21, 26)')
        for (const selector of texts) {
          const found = await contrast(at, selector)
          expect({ selector, colorScheme, found, isLegible: found >= LEGIBLE }).toMatchObject({
            isLegible: true,
          })
        }
        await btrfs(at).locator('.choice label', { hasText: 'Compression' }).click()
        expect(await contrast(at, '#partition-2 .cell-name')).toBeGreaterThanOrEqual(LEGIBLE)
        const { width } = (await treemap(at).boundingBox())!
        expect(width).toBeGreaterThan(300)
        await btrfs(at).locator('summary').last().click()
        expect(await overflow(at)).toBe(0)
      })
    }
  })
})
