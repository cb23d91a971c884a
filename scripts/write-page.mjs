/**
 * Bundles the script of the page that `diskwright inspect --html` writes: a page that works from a file:// address cannot
 * load modules.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { PAGE_SCRIPT } from './esbuild-options.mjs'
import { checkNotices, notice } from './licence-notices.mjs'

/** Packages that end up in the page; their licences ask for a notice in every copy. */
const BUNDLED = ['d3-hierarchy']

/** Writes the script and the style of the page. */
export function writePage(source, target) {
  const { outputFiles, metafile } = buildSync({
    ...PAGE_SCRIPT,
    entryPoints: [join(source, 'main.ts')],
    banner: { js: BUNDLED.map((name) => `/*! ${notice(name)}*/`).join('\n') },
  })
  checkNotices('the page', metafile, BUNDLED)
  mkdirSync(target, { recursive: true })
  writeFileSync(join(target, 'page.js'), outputFiles[0].text)
  copyFileSync(join(source, 'page.css'), join(target, 'page.css'))
}
