import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun } from './run-tool.ts'

/** The types of the partitions of a GPT by the names of systemd-repart, in the order of their numbers. */
export async function repartTypes(image: string): Promise<string[]> {
  const definitions = mkdtempSync(join(tmpdir(), 'diskwright-repart-'))
  try {
    // Without a definition it looks at nothing.
    writeFileSync(
      join(definitions, '10-more.conf'),
      '[Partition]\nType=xbootldr\nSizeMinBytes=4K\nSizeMaxBytes=4K\n',
    )
    const { stdout } = await mustRun('systemd-repart', [
      ...['--dry-run=yes', '--json=short', `--definitions=${definitions}`, '--size=64M'],
      image,
    ])
    const found = JSON.parse(stdout) as { type: string; node: string; activity: string }[]
    return found
      .filter(({ activity }) => activity !== 'create')
      .sort((a, b) => numberOf(a.node) - numberOf(b.node))
      .map(({ type }) => type)
  } finally {
    rmSync(definitions, { recursive: true, force: true })
  }
}

const numberOf = (node: string) => Number(/\d+$/.exec(node)![0])
