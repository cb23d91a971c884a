/**
 * An image of a closure that lies in a Nix store: read from there with closureInfo, as nix/image.nix has it, and
 * serialised by GNU tar to standard input, as nix/stream-closure.nix has it. They take turns; the figures are medians.
 *
 * usage: node bench/nix.mjs [--rounds 5] [--tar FILE]
 *
 * The store is unpacked from the large closure (npm run fixture:closure), or from another archive with /nix/store.
 * Needs dist/ (npm run build), GNU time and GNU tar.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CLOSURE, COMMAND, expectTar } from './diskwright.mjs'
import {
  compare,
  inTemporaryFolder,
  machine,
  mib,
  runOnce,
  seconds,
  settleMachine,
  table,
} from './measure.mjs'

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, tar: { type: 'string', default: CLOSURE } },
})
expectTar(options.tar)

const command = (...args) =>
  execFileSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8', maxBuffer: 2 ** 28 })

/** Unpacks the store, and writes what closureInfo would have. The registration comes from an image of the same paths. */
function makeStore(folder, image) {
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xf', options.tar, '-C', folder])
  const store = join(folder, 'nix/store')
  const paths = readdirSync(store).map((name) => `/nix/store/${name}`)
  const spec = join(folder, 'spec.json')
  writeFileSync(spec, JSON.stringify(imageOf({ nix: { paths, store, registration: true } })))
  command('build', spec, '--quiet', '-o', image)
  const info = join(folder, 'closure-info')
  mkdirSync(info)
  writeFileSync(join(info, 'registration'), command('cat', image, '/nix-path-registration'))
  writeFileSync(join(info, 'store-paths'), paths.map((path) => `${path}\n`).join(''))
  return { store, info }
}

/** As in nix/stream-closure.nix, with the store in another place. */
const STREAM = `sed 's,^/,,' "$1/store-paths" | LC_ALL=C sort > "$2/list"
tar --create --format=gnu --sort=name --hard-dereference --numeric-owner --owner=0 --group=0 --mtime=@1 \\
  --no-recursion --transform='s,^registration$,nix-path-registration,' --directory="$1" registration \\
  --recursion --directory="$0" --verbatim-files-from --files-from="$2/list"`

const imageOf = (source) => ({
  table: { type: 'none' },
  partitions: [{ type: 'btrfs', size: 'fit', compression: 'zstd:3', sources: [source] }],
})

await inTemporaryFolder((folder) => {
  const root = join(folder, 'root')
  const work = join(folder, 'work')
  mkdirSync(work)
  const { store, info } = makeStore(root, join(work, 'paths.img'))
  const build = (source, before = '') => {
    writeFileSync(join(work, 'spec.json'), JSON.stringify(imageOf(source)))
    const diskwright = '"$3" "$4" build "$2/spec.json" --quiet --force -o "$2/out.img.zst"'
    const script = before === '' ? diskwright : `{ ${before}; } | ${diskwright}`
    return runOnce(['bash', '-ec', script, root, info, work, process.execPath, COMMAND])
  }
  const results = compare(
    {
      'the store, by closureInfo': () => build({ nix: { closureInfo: info, store } }),
      'a stream of GNU tar': () => build({ tar: '-' }, STREAM),
    },
    Number(options.rounds),
    () => settleMachine(work),
  )
  console.log(machine(options.tar))
  console.log(
    table([
      ['', 'wall', 'CPU', 'peak memory'],
      ...[...results].map(([name, { wall, cpu, peak }]) => [name, seconds(wall), seconds(cpu), mib(peak)]),
    ]),
  )
})
