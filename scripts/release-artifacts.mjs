/**
 * Makes all files of a release in one folder: the package as npm publishes it, the archive for Nix and for machines without a
 * registry, the command as a single file and as an executable, the bill of materials, the JSON Schema, and SHA256SUMS.
 * The same commit gives the same bytes with the same Node on the same kind of processor.
 *
 * usage: node scripts/release-artifacts.mjs [--no-executable] [--node PATH] [FOLDER]    (default: release/files/)
 *
 * `--node` names the Node of the executable. SOURCE_DATE_EPOCH is the time in the bill of materials; by default that of the
 * commit.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { npm } from './npm.mjs'
import { sbom } from './sbom.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SUMS = 'SHA256SUMS'

const run = (...args) => execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })

function commitTime() {
  const given = process.env.SOURCE_DATE_EPOCH
  return Number(given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }))
}

const { values, positionals } = parseArgs({
  options: { 'no-executable': { type: 'boolean', default: false }, node: { type: 'string' } },
  allowPositionals: true,
})
const folder = resolve(positionals[0] ?? join(ROOT, 'release/files'))
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
// This compiles everything; packing would do so again.
run('scripts/release.mjs', folder)
npm(['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], ROOT)
const executable = values['no-executable'] ? [] : ['--executable', '--node', values.node ?? process.execPath]
run('scripts/single-file.mjs', ...executable, folder)
if (!values['no-executable']) {
  renameSync(join(folder, 'diskwright'), join(folder, `diskwright-${process.platform}-${process.arch}`))
}
copyFileSync(join(ROOT, 'dist/schema.json'), join(folder, 'diskwright.schema.json'))
writeFileSync(join(folder, `diskwright-${version}.cdx.json`), sbom(commitTime()))

const sums = readdirSync(folder)
  .sort()
  .map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex')}  ${name}\n`,
  )
writeFileSync(join(folder, SUMS), sums.join(''))
process.stdout.write(sums.join(''))
