// Writes a BTRFS file system into memory, and checks it there. Nothing here needs Node.
import { checkBtrfs, formatFinding, memorySink, memorySource, writeBtrfs } from 'diskwright/btrfs'

const sink = memorySink()
const { size, subvolumes } = await writeBtrfs(
  { label: 'data', compression: 'zstd:9', subvolumes: [{ name: '@', path: '/' }] },
  [
    { path: '/etc/hostname', type: 'file', content: 'pi\n' },
    { path: '/etc/shadow', type: 'file', mode: 0o600, content: 'root:!::0:99999:7:::\n' },
    { path: '/bin', type: 'symlink', target: 'usr/bin' },
    { path: '/usr/bin/hello', type: 'file', mode: 0o755, content: '#!/bin/sh\necho hello\n' },
  ],
  sink,
)

const { findings } = await checkBtrfs(memorySource(sink.bytes()))
for (const finding of findings) console.log(formatFinding(finding))
const [, root] = subvolumes
console.log(`${root.files} files in ${size} bytes, ${findings.length} findings`)
