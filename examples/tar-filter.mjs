// Copies a tar archive without the files below /usr/share/doc, and gives all that is left to root. Everything streams;
// names, times and attributes stay exact.
// usage: node examples/tar-filter.mjs < root.tar > smaller.tar
import { readTar, writeTar } from 'diskwright/tar'

async function* filtered(entries) {
  for await (const entry of entries) {
    if (entry.path.startsWith('usr/share/doc/')) continue
    yield { ...entry, uid: 0, gid: 0 }
  }
}

for await (const piece of writeTar(filtered(readTar(process.stdin)))) {
  if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once('drain', resolve))
}
