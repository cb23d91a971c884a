import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inFolder } from '../images/build.ts'
import { runTool } from '../judges/run-tool.ts'

const ROOT = join(import.meta.dirname, '../..')

test('a build leaves nothing in dist/ that is not made of src/', async () => {
  await inFolder(async (folder) => {
    for (const path of ['src', 'scripts', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
      cpSync(join(ROOT, path), join(folder, path), { recursive: true })
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    const stale = ['dist/gone.js', 'dist/old/gone.d.ts', 'dist/cli/gone.js.map'].map((path) =>
      join(folder, path),
    )
    for (const path of stale) {
      mkdirSync(join(path, '..'), { recursive: true })
      writeFileSync(path, '')
    }
    const { code, stderr } = await runTool(process.execPath, [join(folder, 'scripts/build.mjs'), '--noCheck'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stale.filter((path) => existsSync(path))).toEqual([])
    for (const path of ['index.js', 'index.d.ts', 'schema.json', 'cli/main.js']) {
      expect(existsSync(join(folder, 'dist', path))).toBe(true)
    }
  })
})
