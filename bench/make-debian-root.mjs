import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * An archive of a root file system: Debian packages unpacked over each other. The owner of everything is root.
 *
 * @param {string} path an existing file is replaced
 * @param {string} archives the folder of the packages
 * @returns {number} bytes of the archive
 */
export function makeDebianRoot(path, archives) {
  const root = mkdtempSync(join(dirname(path), 'debian-'))
  try {
    for (const file of readdirSync(archives).sort()) {
      if (!file.endsWith('.deb')) continue
      // Some packages have lib/ where others have a link to usr/lib.
      execFileSync('sh', [
        '-c',
        'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink --no-same-owner -C "$2"',
        'sh',
        join(archives, file),
        root,
      ])
    }
    const owner = ['--owner=0', '--group=0', '--numeric-owner']
    const pax = ['--format=posix', '--pax-option=delete=atime,delete=ctime']
    execFileSync('tar', ['-c', '--sort=name', ...owner, ...pax, '-f', path, '-C', root, '.'])
    return statSync(path).size
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
