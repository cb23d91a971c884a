/** The portable entry points in bundles for browsers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  bundleForBrowser,
  bundleSizes,
  bundleWithRollup,
  entryPoint,
  nodeModulesIn,
  PORTABLE,
} from '../../scripts/bundle.mjs'

const LIBRARY = readFileSync(join(import.meta.dirname, '../../docs/reference/library.md'), 'utf8')

/** Part of a size by which a bundle may differ from library.md: versions of packages and bundlers move it a little. */
const TOLERANCE = 0.05

describe.each(PORTABLE)('diskwright/%s', (subpath) => {
  test('is bundled by esbuild, without a module of Node', async () => {
    const text = await bundleForBrowser(entryPoint(subpath))
    expect(nodeModulesIn(text)).toEqual([])
    expect(text).toContain('export{')
  })

  test('is bundled by rollup, without a module of Node', async () => {
    const chunks = await bundleWithRollup(entryPoint(subpath))
    expect(chunks.flatMap(({ code }) => nodeModulesIn(code))).toEqual([])
  })
})

test('docs/reference/library.md states the sizes (node scripts/bundle.mjs prints them)', async () => {
  for (const { subpath, minified, gzipped } of await bundleSizes()) {
    const row = new RegExp(`\\| \`diskwright/${subpath}\` +\\| +(\\d+) kB +\\| +(\\d+) kB +\\|`).exec(LIBRARY)
    expect(row, subpath).not.toBeNull()
    for (const [stated, found] of [
      [Number(row![1]), minified / 1000],
      [Number(row![2]), gzipped / 1000],
    ]) {
      expect(Math.abs(stated - found), `${subpath}: ${stated} kB stated, ${found} kB found`).toBeLessThan(
        1 + found * TOLERANCE,
      )
    }
  }
})
