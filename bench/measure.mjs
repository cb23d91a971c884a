/** Times whole commands from outside, in turn, and says medians (needs GNU time); or functions from inside. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
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
 * @param prepare called before each of them
 * @returns name -> medians
 */
export function compare(contestants, rounds, prepare = () => undefined) {
  const runs = new Map(Object.keys(contestants).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of Object.entries(contestants)) {
      prepare()
      const figures = run()
      if (round > 0 || rounds === 0) runs.get(name).push(figures)
      process.stderr.write(`${round}/${rounds} ${name}: ${figures.wall.toFixed(1)} s\n`)
    }
  }
  return new Map([...runs].map(([name, list]) => [name, medians(list)]))
}

/** Memory that is touched before a measurement: what the page cache is going to take. */
const TOUCH = 'for (let i = 0; i < 3; i++) Buffer.alloc(2 ** 31 - 1, 1)'

/**
 * Makes every contestant begin with the same machine: nothing that is waiting for the disk, and memory that a virtual
 * machine has given back to its host, and would get again page by page, in place.
 *
 * @param folder its files are removed
 */
export function settleMachine(folder) {
  // Directories of a Nix store cannot be written to.
  spawnSync('chmod', ['-R', 'u+w', folder])
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true })
  spawnSync('sync')
  spawnSync(process.execPath, ['-e', TOUCH])
}

/** Runs `work` with a folder that is gone afterwards, also after an interrupt. */
export async function inTemporaryFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  process.once('SIGINT', () => process.exit(130))
  try {
    return await work(folder)
  } finally {
    remove()
  }
}

/**
 * Seconds that one call of `work` takes: the best of many, as other work on the machine only ever slows one down.
 *
 * @param limit seconds after which no further call is made
 */
export async function best(work, limit = 1.5) {
  let fastest = Infinity
  const end = performance.now() + limit * 1000
  do {
    const start = performance.now()
    await work()
    fastest = Math.min(fastest, performance.now() - start)
  } while (performance.now() < end)
  return fastest / 1000
}

/** The lines above a table: what it was measured on, and what with. */
export function machine(tar) {
  const lines = [`${cpus().length} x ${cpus()[0].model}, Node ${process.versions.node}`]
  if (tar !== undefined) lines.push(`${tar}: ${mib(statSync(tar).size / 2 ** 20)}`)
  return lines.join('\n') + '\n'
}

export const mib = (value) => `${value.toFixed(0)} MiB`
export const seconds = (value) => `${value.toFixed(1)} s`

/** Rows as a Markdown table, the first row its head. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)))
  const line = (row) => `| ${row.map((cell, i) => String(cell).padEnd(widths[i])).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join('\n')
}

/** Rows of whole pipelines, as `compare` gives them with what they have made: beside the first contestant. */
export function pipelineTable(results) {
  const [first] = results.values()
  const rows = [...results].map(([name, { wall, cpu, peak, out, img }]) => [
    name,
    seconds(wall),
    `${(wall / first.wall).toFixed(1)}x`,
    seconds(cpu),
    mib(peak),
    mib(out),
    mib(img),
  ])
  return table([['', 'wall', 'ratio', 'CPU', 'peak memory', '.img.zst', '.img'], ...rows])
}
