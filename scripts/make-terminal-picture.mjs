/**
 * Makes docs/images/terminal.svg: what the command prints for the content of `npm run demo`, which must have been run. The
 * times are left out, so that the same content gives the same picture.
 *
 * usage: node scripts/make-terminal-picture.mjs
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBuild } from './ensure-dependencies.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DEMO = join(ROOT, '.cache', 'demo')
const PICTURE = join(ROOT, 'docs', 'images', 'terminal.svg')
const COMMANDS = [
  'build --closure closure.tar --firmware firmware -o pi.img.zst',
  'ls -l pi.img.zst NIXOS_SD:/@boot/nixos',
  'verify pi.img.zst',
]

/** Colours of a terminal that is dark on light pages, too. */
const COLOURS = { back: '#161b22', edge: '#30363d', text: '#e6edf3', prompt: '#7ee787', dots: '#484f58' }
const [LINE, CHARACTER, MARGIN, BAR] = [20, 8.05, 18, 34]

function transcript(folder) {
  return COMMANDS.flatMap((command) => {
    const args = [join(ROOT, 'dist', 'cli', 'main.js'), ...command.split(' ')]
    const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
    const lines = output
      .trimEnd()
      .replaceAll(/, in [\d.]+ s$/gm, '')
      .split('\n')
    return [`$ diskwright ${command}`, ...lines, '']
  }).slice(0, -1)
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function svg(lines) {
  const width = Math.ceil(Math.max(...lines.map(({ length }) => length)) * CHARACTER + 2 * MARGIN)
  const height = BAR + lines.length * LINE + MARGIN
  const rows = lines.map((line, i) => {
    const y = BAR + (i + 0.75) * LINE
    const prompt = line.startsWith('$ ') ? `<tspan fill="${COLOURS.prompt}">$</tspan>` : ''
    return `<text x="${MARGIN}" y="${y}" xml:space="preserve">${prompt}${escaped(prompt === '' ? line : line.slice(1))}</text>`
  })
  const dots = [0, 1, 2].map(
    (i) => `<circle cx="${MARGIN + 6 + i * 18}" cy="17" r="5" fill="${COLOURS.dots}"/>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    '<title>diskwright builds, lists and verifies an image</title>',
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8" fill="${COLOURS.back}" stroke="${COLOURS.edge}"/>`,
    ...dots,
    `<g fill="${COLOURS.text}" font-size="13.4" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

for (const name of ['closure.tar', 'firmware']) {
  if (!existsSync(join(DEMO, name))) throw new Error(`${join(DEMO, name)} is missing: npm run demo makes it`)
}
ensureBuild()
const folder = mkdtempSync(join(tmpdir(), 'diskwright-terminal-'))
try {
  for (const name of ['closure.tar', 'firmware']) symlinkSync(join(DEMO, name), join(folder, name))
  writeFileSync(PICTURE, svg(transcript(folder)))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`${PICTURE}\n`)
