/** zstd and the hash functions in a browser: bundled into one script, without anything of Node. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { HASH_NAMES, type HashName } from '../../src/lib/block-hash.ts'
import { loadHash } from '../../src/lib/load-hash.ts'
import { loadZstd } from '../../src/lib/zstd/codec.ts'
import { canBrowse, visit } from '../judges/chromium.ts'
import { temporaryFolder } from '../output/folder.ts'
import { contentOf } from '../output/operations.ts'

const LIB = join(import.meta.dirname, '../../src/lib')
const folder = temporaryFolder()

/** Compresses and decompresses a text, and hashes it; the results are hexadecimal. */
const PROGRAM = `
  import { loadZstd } from ${JSON.stringify(join(LIB, 'zstd/codec.ts'))}
  import { loadHash } from ${JSON.stringify(join(LIB, 'load-hash.ts'))}
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  globalThis.run = async (text, hashNames) => {
    const zstd = await loadZstd()
    const target = new Uint8Array(zstd.compressBound(text.length))
    const frame = target.subarray(0, zstd.createCompressor(3).compress(target, text))
    const result = { zstd: zstd.name, frame: hex(frame), content: hex(zstd.decompress(frame, text.length)) }
    for (const name of hashNames) {
      const hash = await loadHash(name)
      const sum = new Uint8Array(hash.size)
      hash.hashBlocks(text, text.length, sum)
      result[name] = hex(sum)
    }
    return result
  }
`

type Result = Record<HashName | 'zstd' | 'frame' | 'content', string>

const bundle = join(folder, 'bundle.mjs')
const source = join(folder, 'program.mjs')
writeFileSync(source, PROGRAM)
const built = await build({
  entryPoints: [source],
  nodePaths: [join(import.meta.dirname, '../../node_modules')],
  outfile: bundle,
  bundle: true,
  platform: 'browser',
  format: 'esm',
  minify: true,
  metafile: true,
  logLevel: 'silent',
})

async function expectedResult(text: Uint8Array): Promise<Result> {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const zstd = await loadZstd()
  const target = new Uint8Array(zstd.compressBound(text.length))
  const frame = target.subarray(0, zstd.createCompressor(3).compress(target, text))
  const sums: Partial<Result> = {}
  for (const name of HASH_NAMES) {
    const hash = await loadHash(name)
    const sum = new Uint8Array(hash.size)
    hash.hashBlocks(text, text.length, sum)
    sums[name] = hex(sum)
  }
  return { ...(sums as Result), zstd: 'wasm', frame: hex(frame), content: hex(text) }
}

describe('a bundle for browsers', () => {
  const text = contentOf('text', 300_000, 7)

  test('imports nothing from outside', () => {
    const [output] = Object.values(built.metafile.outputs)
    expect(output.imports).toEqual([])
    expect(built.warnings).toEqual([])
    // Its largest parts are the modules of libzstd and of the hash functions.
    expect(output.bytes).toBeLessThan(400_000)
  })

  test.skipIf(!canBrowse())('gives the same bytes in Chromium as in Node', async () => {
    const page = join(folder, 'page.html')
    writeFileSync(page, '<!doctype html><title>test</title><link rel="icon" href="data:,">')
    let found: Result | undefined
    await visit(page, {}, async (tab) => {
      await tab.addScriptTag({ type: 'module', content: readFileSync(bundle, 'utf8') })
      found = await tab.evaluate(
        ([text, names]) => {
          const { run } = globalThis as unknown as {
            run: (text: Uint8Array, names: readonly string[]) => Promise<Result>
          }
          return run(new Uint8Array(text), names)
        },
        [[...text], HASH_NAMES] as const,
      )
    })
    expect(found).toEqual(await expectedResult(text))
  })
})
