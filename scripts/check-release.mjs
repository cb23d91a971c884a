/**
 * Checks that the working tree is a release: one version everywhere, with a section of its own in CHANGELOG.md, which names
 * every golden image whose bytes are not those of the previous release. Prints the section, for the release's notes.
 *
 * usage: node scripts/check-release.mjs [TAG]     default: the version of package.json
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const GOLDEN = 'test/build/golden.json'

/**
 * The text below the heading of a version.
 *
 * @throws Error when there is none, it has no date, or it is empty
 */
export function sectionOf(changelog, version) {
  const heading = `## [${version}] - `
  const start = changelog.indexOf(heading)
  if (start < 0) throw new Error(`CHANGELOG.md: expected a heading "${heading}YYYY-MM-DD", found none`)
  const [line] = changelog.slice(start).split('\n', 1)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(line.slice(heading.length))) {
    throw new Error(`CHANGELOG.md: expected a date in "${line}"`)
  }
  const [text] = changelog.slice(start + line.length).split(/^## \[/m, 1)
  if (text.trim() === '') throw new Error(`CHANGELOG.md: "${line}" is empty`)
  return text.trim()
}

/** The images that were in the record of the previous release, and are not the same now. */
export function changedImages(before, now) {
  return Object.keys(before).filter((name) => now[name] !== before[name])
}

/**
 * All that is wrong with a release.
 *
 * @param files the texts of the files by their paths, and `previous`, the golden record of the previous release, if any
 */
export function problemsOf({ version, manifest, lock, nix, changelog, golden, previous }) {
  const problems = []
  const expectVersion = (where, found) => {
    if (found !== version) problems.push(`${where}: expected version ${version}, found ${found}`)
  }
  expectVersion('package.json', manifest.version)
  expectVersion('package-lock.json', lock.version)
  expectVersion('package-lock.json: packages[""]', lock.packages[''].version)
  expectVersion('nix/nixpkgs/package.nix', /^ {2}version = "(.*)";$/m.exec(nix)?.[1])
  let section = ''
  try {
    section = sectionOf(changelog, version)
  } catch (error) {
    problems.push(error.message)
  }
  for (const image of changedImages(previous ?? {}, golden)) {
    if (!section.includes(`\`${image}\``)) {
      problems.push(
        `${GOLDEN}: the bytes of \`${image}\` have changed; the section of ${version} does not name it`,
      )
    }
  }
  return problems
}

const git = (...args) =>
  execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()

/** The golden record of the newest release before this one; undefined for the first release. */
function previousGolden(version) {
  const tags = git('tag', '--list', 'v*', '--sort=-version:refname').split('\n')
  const previous = tags.find((tag) => tag !== '' && tag !== `v${version}` && !tag.includes('-'))
  if (previous === undefined) return undefined
  process.stderr.write(`comparing ${GOLDEN} with that of ${previous}\n`)
  return JSON.parse(git('show', `${previous}:${GOLDEN}`))
}

function main([tag]) {
  const read = (path) => readFileSync(join(ROOT, path), 'utf8')
  const manifest = JSON.parse(read('package.json'))
  const version = tag?.replace(/^v/, '') ?? manifest.version
  const changelog = read('CHANGELOG.md')
  const problems = problemsOf({
    ...{ version, manifest, changelog },
    lock: JSON.parse(read('package-lock.json')),
    nix: read('nix/nixpkgs/package.nix'),
    golden: JSON.parse(read(GOLDEN)),
    previous: previousGolden(version),
  })
  for (const problem of problems) process.stderr.write(`check-release: ${problem}\n`)
  if (problems.length > 0) process.exitCode = 1
  else process.stdout.write(`${sectionOf(changelog, version)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2))
