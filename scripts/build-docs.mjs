/**
 * Builds the documentation as a static site, release/docs: the pages of docs/, the reference of the library from its
 * declarations, and a search that works offline. Links and anchors that lead nowhere are errors.
 *
 * usage: node scripts/build-docs.mjs      DOCS_BASE=/path/ when the site is not at the top of its server
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { anchorsOf } from './docs/slug.mjs'
import { ensureGenerated } from './ensure-dependencies.mjs'
import { filesBelow } from './files-below.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SITE = join(ROOT, 'release', 'docs')
const BASE = process.env.DOCS_BASE ?? '/'

const run = (program, ...args) =>
  execFileSync(process.execPath, [join('node_modules', program), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  })

const API = join(ROOT, 'docs', 'reference', 'api')

/** The pages of modules are named by what programs import. */
function nameApiPages() {
  rmSync(join(API, 'README.md'))
  for (const file of filesBelow(API)) {
    const module = file.replace(/\.md$/, '').replace('gpt-mbr', 'partition-table')
    const name = module === 'index' ? 'diskwright' : `diskwright/${module}`
    const text = readFileSync(join(API, file), 'utf8').replace(/^# .*$/m, `# ${name}`)
    // The numbers of anchors that occur more than once are not those of the site.
    const links = text.replaceAll(
      /\((\w[\w-]*\.md)?#([\w-]+?)(-\d+)\)/g,
      (link, page = file, anchor, number) => {
        const anchors = anchorsOf(readFileSync(join(API, page), 'utf8'))
        return anchors.has(anchor + number) ? link : `(${page}#${anchor})`
      },
    )
    writeFileSync(join(API, file), links)
  }
}

/** Links of the site that lead to no page of it, or to no place in the page. */
function deadLinks() {
  const pages = new Map()
  const files = new Set(filesBelow(SITE))
  for (const file of files) {
    if (!file.endsWith('.html')) continue
    const html = readFileSync(join(SITE, file), 'utf8')
    const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
    const links = [...html.matchAll(/<a [^>]*?href="([^"]+)"/g)].map(([, href]) =>
      href.replaceAll('&amp;', '&'),
    )
    pages.set(file, { ids, links })
  }
  const dead = []
  for (const [page, { links }] of pages) {
    for (const link of links) {
      if (/^[a-z]+:/.test(link)) continue
      const [path, anchor] = link.split('#')
      const absolute = path === '' ? page : targetOf(page, path)
      const target = absolute === '' || absolute.endsWith('/') ? `${absolute}index.html` : absolute
      const isThere = files.has(target) && (!anchor || pages.get(target)?.ids.has(decodeURIComponent(anchor)))
      if (!isThere) dead.push(`${page}: ${link}`)
    }
  }
  return [...new Set(dead)]
}

const targetOf = (page, path) =>
  path.startsWith(BASE) ? path.slice(BASE.length) : posix.join(posix.dirname(page), path)

try {
  ensureGenerated()
  run('typedoc/bin/typedoc', '--options', 'scripts/docs/typedoc.json')
  nameApiPages()
  run('vitepress/bin/vitepress.js', 'build', 'docs')
  const dead = deadLinks()
  if (dead.length > 0) throw Object.assign(new Error(`dead links:\n  ${dead.join('\n  ')}`), { status: 1 })
} catch (error) {
  if (error.message.startsWith('dead links')) process.stderr.write(`${error.message}\n`)
  else if (error.status === undefined) throw error
  process.exitCode = error.status || 1
}
