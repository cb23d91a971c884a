/** The site of the documentation is built, has no dead links, and works in a browser without a network. */
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canBrowse } from '../judges/chromium.ts'
import { findTool, mustRun } from '../judges/run-tool.ts'
import { ROOT } from './pages.ts'

const SITE = join(ROOT, 'release/docs')
const TYPES: Record<string, string> = {
  ...{ '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' },
  ...{ '.svg': 'image/svg+xml', '.json': 'application/json', '.png': 'image/png' },
}

describe.skipIf(!canBrowse())('the site', () => {
  let server: Server
  let browser: Browser
  let home: string
  beforeAll(async () => {
    await mustRun(process.execPath, [join(ROOT, 'scripts/build-docs.mjs')])
    server = createServer(({ url }, response) => {
      const path = new URL(url!, 'http://localhost').pathname.replace(/\/$/, '/index.html')
      try {
        const content = readFileSync(join(SITE, decodeURIComponent(path)))
        response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' })
        response.end(content)
      } catch {
        response.writeHead(404).end()
      }
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    home = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await chromium.launch({
      ...{ executablePath: findTool('chromium')!, args: ['--no-sandbox', '--disable-gpu'], timeout: 0 },
    })
  })
  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  test('finds a key of a description, and asks nobody else', async () => {
    const page = await browser.newPage()
    page.setDefaultTimeout(0)
    const [complaints, others]: [string[], string[]] = [[], []]
    page.on('pageerror', ({ message }) => complaints.push(message))
    page.on('request', (request) => request.url().startsWith(home) || others.push(request.url()))
    await page.goto(`${home}/reference/sources.html`)
    await page.locator('#local-search button').first().click()
    await page.locator('#localsearch-input').fill('nodatacow')
    await page.locator('#localsearch-list a').first().waitFor()
    expect(await page.locator('#localsearch-list a').count()).toBeGreaterThan(3)
    expect({ complaints, others }).toEqual({ complaints: [], others: [] })
    await page.close()
  })

  test.each(['/', '/reference/sources.html', '/reference/commands.html', '/architecture.html'])(
    '%s fits a phone',
    async (path) => {
      const page = await browser.newPage({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
      await page.goto(home + path)
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      expect(width).toBeLessThanOrEqual(360)
      await page.close()
    },
  )
})
