/** Times whole commands from outside, in turn, and says medians. Needs GNU time. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Runs a command once.
 *
 * @returns wall and CPU (user and system, children included) in seconds, peak memory of the largest process in MiB
 */
export function runOnce([command, ...args], { cwd, env } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const figures = join(folder, 'figures')
  try {
    const { status, stderr } = spawnSync(
      '/usr/bin/time',
      ['-f', '%e %U %S %M', '-o', figures, command, ...args],
      {
        cwd,
        env: { ...process.env, ...env },
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe'],
        maxBuffer: 2 ** 26,
      },
    )
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}\n${stderr}`)
    const [wall, user, system, peak] = readFileSync(figures, 'utf8').trim().split(/\s+/).map(Number)
    return { wall, cpu: user + system, peak: peak / 1024 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The median of each figure. */
export function medians(runs) {
  return Object.fromEntries(Object.keys(runs[0]).map((key) => [key, median(runs.map((run) => run[key]))]))
}

/**
 * Runs several contestants in turn, A B C A B C ..., after one round that is not counted.
 *
 * @param contestants name -> function that does the work once and returns the figures
 * @returns name -> medians
 */
export function compare(contestants, rounds) {
  const runs = new Map(Object.keys(contestants).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of Object.entries(contestants)) {
      const figures = run()
      if (round > 0 || rounds === 0) runs.get(name).push(figures)
      process.stderr.write(`${round}/${rounds} ${name}: ${figures.wall.toFixed(1)} s\n`)
    }
  }
  return new Map([...runs].map(([name, list]) => [name, medians(list)]))
}

/** Rows as a Markdown table, the first row its head. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)))
  const line = (row) => `| ${row.map((cell, i) => String(cell).padEnd(widths[i])).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join('\n')
}
