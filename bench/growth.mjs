/**
 * How does a build grow with its input? Four tables: more and more small files (1,000 to a million entries), more and
 * more names (files of 1 KiB, empty ones, links: 10,000 to ten million), more and more bytes in large files (10 MB to
 * 10 GB), and a file system of 64 GiB with next to nothing in it.
 *
 * usage: node bench/growth.mjs [--rounds 3] [--max-entries 1000000] [--max-names 1000000]
 *   [--max-bytes 10000000000] [--no-sparse]
 *
 * Needs dist/ (npm run build), GNU time, zstd, and room for the largest archive and its image in the folder for
 * temporary files (about 16 GB; TMPDIR names another one). The archives are generated, always the same.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './diskwright.mjs'
import { makeLargeFiles, makeNames, makeSmallFiles } from './make-tar.mjs'
import { compare, inTemporaryFolder, machine, mib, seconds, table } from './measure.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    'max-entries': { type: 'string', default: '1000000' },
    'max-names': { type: 'string', default: '1000000' },
    'max-bytes': { type: 'string', default: '10000000000' },
    'no-sparse': { type: 'boolean', default: false },
  },
})
const rounds = Number(options.rounds)
const upTo = (limit, values) => values.filter((value) => value <= Number(limit))

/** A partition much larger than what is in it. */
const sparse = (tar) => ({
  seed: 'bench',
  table: { type: 'mbr' },
  partitions: [{ type: 'btrfs', label: 'sparse', size: '64GiB', compression: 'zstd:3', sources: [{ tar }] }],
})

await inTemporaryFolder(async (folder) => {
  const tar = join(folder, 'in.tar')
  const output = join(folder, 'out.img.zst')
  const measure = (name) => compare({ [name]: () => build(['--closure', tar], output) }, rounds).get(name)
  const common = ({ wall, cpu, peak, out, img }) => [
    `${wall.toFixed(2)} s`,
    `${cpu.toFixed(2)} s`,
    mib(peak),
    mib(out),
    mib(img),
  ]
  const COMMON = ['wall', 'CPU', 'peak memory', '.img.zst', '.img']

  console.log(machine())

  const ofEntries = async (what, make, counts) => {
    const rows = [[what, 'tar', ...COMMON, 'wall an entry']]
    for (const entries of counts) {
      const name = entries.toLocaleString('en')
      process.stderr.write(`making an archive of ${name} ${what}\n`)
      const size = (await make(tar, { entries })) / 2 ** 20
      const figures = measure(name)
      const each = `${((figures.wall / entries) * 1e6).toFixed(1)} us`
      rows.push([name, mib(size), ...common(figures), each])
    }
    if (rows.length > 1) console.log(`${table(rows)}\n`)
  }
  await ofEntries('small files', makeSmallFiles, upTo(options['max-entries'], [1e3, 1e4, 1e5, 1e6]))
  await ofEntries('names', makeNames, upTo(options['max-names'], [1e4, 1e5, 1e6, 1e7]))

  const byteRows = [['bytes', ...COMMON, 'wall a MB', 'CPU a MB']]
  for (const bytes of upTo(options['max-bytes'], [1e7, 1e8, 1e9, 1e10])) {
    const name = `${bytes / 1e6} MB`
    process.stderr.write(`making an archive of ${name}\n`)
    await makeLargeFiles(tar, { bytes })
    const figures = measure(name)
    const each = (value) => `${((value / bytes) * 1e9).toFixed(2)} ms`
    byteRows.push([name, ...common(figures), each(figures.wall), each(figures.cpu)])
  }
  if (byteRows.length > 1) console.log(`${table(byteRows)}\n`)

  if (!options['no-sparse']) {
    await makeSmallFiles(tar, { entries: 1000 })
    const description = join(folder, 'sparse.json')
    writeFileSync(description, JSON.stringify(sparse(tar)))
    const contestants = ['.img', '.img.zst'].map((ending) => [
      `64 GiB, ${ending}`,
      () => build([description], join(folder, `out${ending}`)),
    ])
    const results = compare(Object.fromEntries(contestants), rounds)
    const rows = [...results].map(([name, { wall, cpu, peak, out }]) => [
      name,
      seconds(wall),
      seconds(cpu),
      mib(peak),
      `${out.toFixed(1)} MiB`,
    ])
    console.log(table([['sparse', 'wall', 'CPU', 'peak memory', 'on disk'], ...rows]))
  }
})
