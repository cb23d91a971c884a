/** The explorer on a web server that answers range requests, in a browser. */
import { createReadStream, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { buildExplorer } from '../../scripts/build-explorer.mjs'
import { findTool } from '../judges/run-tool.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
/** The page is below a path, as it often is. */
const PAGE = '/tools/explorer/'

export interface Site {
  /** Address of files of the folder. */
  files: string
  /** The folder of the page. */
  page: string
  browser: Browser
  /** Bytes that the server has sent of a file. */
  sent: Map<string, number>
  /** The page, and what it complains of. */
  open(options?: OpenOptions): Promise<{ page: Page; complaints: string[] }>
  close(): Promise<void>
}

export interface OpenOptions {
  width?: number
  height?: number
  colorScheme?: 'light' | 'dark'
  /** Default: that of the server. */
  address?: string
}

/** @param folder with the files that the server has besides */
export async function openSite(folder: string): Promise<Site> {
  const built = join(folder, 'explorer')
  mkdirSync(built)
  buildExplorer(built)
  const sent = new Map<string, number>()
  const server = createServer((request, response) => answer(folder, built, sent, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browser = await chromium.launch({
    executablePath: findTool('chromium')!,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    timeout: 0,
  })
  return {
    ...{ files: `${origin}/`, page: built, browser, sent },
    async open({ width = 1280, height = 900, colorScheme = 'light', address = origin + PAGE } = {}) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme })
      context.setDefaultTimeout(0)
      // The dialog of the system cannot be answered by a program.
      await context.addInitScript('delete window.showSaveFilePicker')
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => complaints.push(`console: ${message.text()}`))
      page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
      await page.goto(address)
      return { page, complaints }
    },
    async close() {
      await browser.close()
      server.close()
    },
  }
}

function answer(
  folder: string,
  built: string,
  sent: Map<string, number>,
  { url, headers }: IncomingMessage,
  response: ServerResponse,
): void {
  const { pathname } = new URL(url!, 'http://server')
  const file = pathname.startsWith(PAGE)
    ? join(built, pathname.slice(PAGE.length) || 'index.html')
    : join(folder, pathname)
  if (!existsSync(file)) {
    response.writeHead(404).end()
    return
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
  if (range === null) {
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
    response.end(readFileSync(file))
    return
  }
  const { size } = statSync(file)
  const [start, end] = [Number(range[1]), Math.min(Number(range[2]), size - 1)]
  sent.set(pathname, (sent.get(pathname) ?? 0) + end - start + 1)
  response.writeHead(206, {
    'content-range': `bytes ${start}-${end}/${size}`,
    'content-length': end - start + 1,
  })
  createReadStream(file, { start, end }).pipe(response)
}
