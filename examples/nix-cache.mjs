// Builds an image of a program and all it needs, out of a Nix binary cache that is a directory. No Nix is needed here.
// usage: node examples/nix-cache.mjs CACHE NAME disk.img
// A cache is made by: nix copy --to file:///tmp/cache nixpkgs#hello
import { buildImage, openImage } from 'diskwright'

const [cache, name, output] = process.argv.slice(2)

await buildImage(
  {
    table: { type: 'mbr' },
    partitions: [
      {
        type: 'btrfs',
        label: 'NIX',
        size: 'fit',
        compression: 'zstd',
        // A store path, its hash, or its name without the hash.
        sources: [{ nix: { binaryCache: cache, paths: [name] } }],
      },
    ],
  },
  { output, force: true },
)

const image = await openImage(output)
const root = await image.partition('NIX').open()
const registration = new TextDecoder().decode(await root.readFile('/nix-path-registration'))
const paths = await root.list('/nix/store')
console.log(
  `${paths.length} store paths, ${registration.split('\n').length - 1} lines for nix-store --load-db`,
)
await image.close()
