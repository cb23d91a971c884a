/**
 * What do worker threads gain? Builds with 0 (everything on the main thread), 1, 2 and 4 of them, in turn; medians,
 * and how many times as fast as without.
 *
 * usage: node bench/workers.mjs [--rounds 5] [--tar closure.tar] [--workers 0,1,2,4]
 *
 * Needs dist/ (npm run build), GNU time and zstd. Without --tar it takes the large closure of
 * `npm run fixture:closure`.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, CLOSURE, expectTar } from './diskwright.mjs'
import { compare, inTemporaryFolder, machine, mib, seconds, settleMachine, table } from './measure.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    tar: { type: 'string', default: CLOSURE },
    workers: { type: 'string', default: '0,1,2,4' },
  },
})
expectTar(options.tar)

await inTemporaryFolder((folder) => {
  const counts = options.workers.split(',')
  const output = join(folder, 'out.img.zst')
  const contestants = counts.map((count) => [
    `--workers ${count}`,
    () => build(['--closure', options.tar, '--workers', count], output),
  ])
  const measured = compare(Object.fromEntries(contestants), Number(options.rounds), () =>
    settleMachine(folder),
  )
  const results = [...measured]
  const [[, first]] = results
  const rows = results.map(([name, { wall, cpu, peak }]) => [
    name,
    seconds(wall),
    `${(first.wall / wall).toFixed(2)}x`,
    seconds(cpu),
    mib(peak),
  ])
  console.log(machine(options.tar))
  console.log(table([['', 'wall', 'speed', 'CPU', 'peak memory'], ...rows]))
})
