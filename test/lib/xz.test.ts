import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

test('the WebAssembly module is the one of the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'xz-'))
  try {
    const made = join(folder, 'wasm-module.ts')
    execFileSync(process.execPath, [join(ROOT, 'scripts/make-xz-wasm.mjs'), made])
    expect(readFileSync(made, 'utf8')).toBe(readFileSync(join(ROOT, 'src/lib/xz/wasm-module.ts'), 'utf8'))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
