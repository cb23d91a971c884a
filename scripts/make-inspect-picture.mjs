/**
 * Makes docs/images/inspect.png: the page that `diskwright inspect --html` makes of the image of `npm run demo`, which
 * must have been built. Needs Chromium (Debian's package, as scripts/install-judges.sh installs it).
 *
 * usage: node scripts/make-inspect-picture.mjs
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { ensureBuild } from './ensure-dependencies.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const IMAGE = join(ROOT, '.cache', 'demo', 'demo.img.zst')
const PICTURE = join(ROOT, 'docs', 'images', 'inspect.png')
const WIDTH = 1010
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync']

if (!existsSync(IMAGE)) throw new Error(`${IMAGE} is missing: npm run demo builds it`)
ensureBuild()
const folder = mkdtempSync(join(tmpdir(), 'diskwright-picture-'))
try {
  const page = join(folder, 'report.html')
  const command = join(ROOT, 'dist', 'cli', 'main.js')
  execFileSync(process.execPath, [command, 'inspect', IMAGE, '--html', page], { stdio: 'inherit' })
  const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: [...ARGUMENTS, ...QUIET],
    viewport: { width: WIDTH, height: 1000 },
    colorScheme: 'light',
  })
  try {
    const tab = await browser.newPage()
    await tab.goto(pathToFileURL(page).href)
    // The head, the disk, and of the partitions the one with most to see, as far as the directories.
    await tab.evaluate("document.querySelector('#partition-1').remove()")
    const { y, height } = await tab.locator('#partition-2 .treemap ~ .legend').boundingBox()
    mkdirSync(dirname(PICTURE), { recursive: true })
    const clip = { x: 0, y: 0, width: WIDTH, height: Math.ceil(y + height + 20) }
    await tab.screenshot({ path: PICTURE, fullPage: true, clip })
  } finally {
    await browser.close()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`${PICTURE}: ${statSync(PICTURE).size} bytes\n`)
