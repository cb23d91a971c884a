/** Where the module comes from: the sources and the compiler that package-lock.json names. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { missingJudge } from '../../judges/run-tool.ts'
import { temporaryFolder } from '../../output/folder.ts'

const ROOT = join(import.meta.dirname, '../../..')
const folder = temporaryFolder()
const canCompile =
  existsSync(join(ROOT, 'node_modules/zstd-napi')) ||
  missingJudge('zstd-napi', 'not installed; it has the sources of libzstd')

test.runIf(canCompile)('libzstd, compiled again, is the WebAssembly module of src/', () => {
  const made = join(folder, 'wasm-module.ts')
  execFileSync(process.execPath, [join(ROOT, 'scripts/make-zstd-wasm.mjs'), made], { stdio: 'ignore' })
  expect(readFileSync(made, 'utf8')).toBe(readFileSync(join(ROOT, 'src/lib/zstd/wasm-module.ts'), 'utf8'))
})
