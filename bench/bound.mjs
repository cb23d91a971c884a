/**
 * How much more CPU time than the lower bound does a build take? The bound is lower-bound.mjs, a process of its own;
 * it and the builds (without worker threads, and with as many as there are cores) take turns, and the ratios are of
 * medians.
 *
 * usage: node bench/bound.mjs [--rounds 5] [--tar closure.tar]
 *
 * Needs dist/ (npm run build), GNU time and zstd. Without --tar it takes the large closure of
 * `npm run fixture:closure`.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, CLOSURE, expectTar, lowerBound } from './diskwright.mjs'
import { compare, inTemporaryFolder, machine, mib, seconds, settleMachine, table } from './measure.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    tar: { type: 'string', default: CLOSURE },
  },
})
expectTar(options.tar)

await inTemporaryFolder((folder) => {
  const output = join(folder, 'out.img.zst')
  const results = compare(
    {
      'lower bound': () => lowerBound(options.tar),
      'diskwright, --workers 0': () => build(['--closure', options.tar, '--workers', '0'], output),
      diskwright: () => build(['--closure', options.tar], output),
    },
    Number(options.rounds),
    () => settleMachine(folder),
  )
  const bound = results.get('lower bound')
  const rows = [...results].map(([name, { wall, cpu, peak }]) => [
    name,
    seconds(cpu),
    `${(cpu / bound.cpu).toFixed(2)}x`,
    seconds(wall),
    mib(peak),
  ])
  console.log(machine(options.tar))
  console.log(table([['', 'CPU', 'ratio', 'wall', 'peak memory'], ...rows]))
})
