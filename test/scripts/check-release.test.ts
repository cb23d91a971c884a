import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { problemsOf, sectionOf, type ReleaseFiles } from '../../scripts/check-release.mjs'

const ROOT = join(import.meta.dirname, '../..')

const CHANGELOG = `# Changelog

## [Unreleased]

## [1.1.0] - 2026-02-03

### Bytes of images

- \`btrfs, .img\`: extents are larger.

## [1.0.0] - 2026-01-02

- The first.
`

const release = (changes: Partial<ReleaseFiles> = {}): ReleaseFiles => ({
  version: '1.1.0',
  manifest: { version: '1.1.0' },
  lock: { version: '1.1.0', packages: { '': { version: '1.1.0' } } },
  nix: '{\n  version = "1.1.0";\n}\n',
  changelog: CHANGELOG,
  golden: { 'btrfs, .img': 'b', 'fat, .img': 'c', 'new, .img': 'd' },
  previous: { 'btrfs, .img': 'a', 'fat, .img': 'c' },
  ...changes,
})

describe('a release', () => {
  test('has one version, and names the images whose bytes have changed', () => {
    expect(problemsOf(release())).toEqual([])
  })

  test.each<[string, Partial<ReleaseFiles>]>([
    ['package.json: expected version 1.1.0, found 1.0.0', { manifest: { version: '1.0.0' } }],
    ['nix/nixpkgs/package.nix: expected version 1.1.0, found 1.0.0', { nix: '  version = "1.0.0";\n' }],
    ['the bytes of `fat, .img` have changed', { previous: { 'fat, .img': 'other' } }],
    ['the bytes of `gone, .img` have changed', { previous: { 'gone, .img': 'a' } }],
    [
      'expected a heading "## [1.1.0] - YYYY-MM-DD"',
      { changelog: '## [Unreleased]\n\n- A change.\n', previous: {} },
    ],
    ['expected a date', { changelog: '## [1.1.0] - soon\n\n- A change.\n', previous: {} }],
    ['is empty', { changelog: CHANGELOG.replace(/### Bytes[^]*larger\.\n/, ''), previous: {} }],
  ])('is refused: %s', (problem, changes) => {
    const problems = problemsOf(release(changes))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(problem)
  })

  test('has the section of its version for its notes', () => {
    expect(sectionOf(CHANGELOG, '1.0.0')).toBe('- The first.')
    expect(sectionOf(CHANGELOG, '1.1.0')).toBe('### Bytes of images\n\n- `btrfs, .img`: extents are larger.')
  })
})

test('the workflow runs scripts that are there', () => {
  const { jobs } = parse(readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8')) as {
    jobs: Record<string, { steps: { run?: string }[] }>
  }
  const commands = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run = [] }) => run))
  const scripts = commands.flatMap((command) => command.match(/(?:scripts\/[\w.-]+|\.ci\/run)/g) ?? [])
  expect(scripts.length).toBeGreaterThanOrEqual(commands.length)
  expect(scripts.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})
