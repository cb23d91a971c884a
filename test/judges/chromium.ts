/** A browser looks at pages. */
import { rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { findTool, missingJudge } from './run-tool.ts'

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Whether there is a Chromium; says so loudly when not. */
export function canBrowse(): boolean {
  return findTool('chromium') !== undefined || missingJudge('chromium', 'see scripts/install-judges.sh')
}

export interface Visit {
  width?: number
  height?: number
  colorScheme?: 'light' | 'dark'
}

/**
 * Opens a file as a page, for one piece of work.
 *
 * @throws Error when the page complained on its console, failed, or asked for anything but itself
 */
export async function visit(
  path: string,
  { width = 1280, height = 900, colorScheme = 'light' }: Visit,
  work: (page: Page) => Promise<void>,
): Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'diskwright-chromium-'))
  const complaints: string[] = []
  try {
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: findTool('chromium')!,
      headless: true,
      args: ARGUMENTS,
      viewport: { width, height },
      colorScheme,
      timeout: 0,
    })
    try {
      browser.setDefaultTimeout(0)
      const page = await browser.newPage()
      const address = pathToFileURL(path).href
      page.on('console', (message) => complaints.push(`console: ${message.text()}`))
      page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
      page.on('dialog', (dialog) => {
        complaints.push(`dialog: ${dialog.message()}`)
        void dialog.dismiss()
      })
      page.on('request', (request) => {
        if (request.url().replace(/#.*/, '') !== address) complaints.push(`request: ${request.url()}`)
      })
      await page.goto(address)
      await work(page)
    } finally {
      await browser.close()
    }
  } finally {
    rmSync(profile, { recursive: true, force: true })
  }
  if (complaints.length > 0) throw new Error(`${path}:\n${complaints.join('\n')}`)
}
