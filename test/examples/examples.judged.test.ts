/** Every program of examples/ works, is short, and is in docs/reference/library.md. */
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildImage, openImage, type BtrfsSpec } from 'diskwright'
import { describe, expect, test } from 'vitest'
import { bundleForBrowser } from '../../scripts/bundle.mjs'
import { inFolder, text } from '../images/build.ts'
import { canBrowse, visit } from '../judges/chromium.ts'
import { fsckFat } from '../judges/fsck-fat.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { layerOf, TestLayout } from '../sources/oci/layout.ts'
import { SAMPLE_STREAMS } from '../sources/send/sample-streams.ts'
import { buildTar } from '../tar/build-tar.ts'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLES = join(ROOT, 'examples')
const run = promisify(execFile)

async function example(folder: string, name: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(EXAMPLES, name), ...args], { cwd: folder })
  return stdout
}

const programs = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /\.m?js$/.test(path),
)

describe('examples', () => {
  test.each(programs)('%s has less than 40 lines, and is in library.md', (path) => {
    expect(readFileSync(join(EXAMPLES, path), 'utf8').trimEnd().split('\n').length).toBeLessThan(40)
    expect(readFileSync(join(ROOT, 'docs/reference/library.md'), 'utf8')).toContain(`examples/${path}`)
  })

  test('btrfs-into-a-buffer.mjs', () =>
    inFolder(async (folder) => {
      expect(await example(folder, 'btrfs-into-a-buffer.mjs')).toMatch(/^3 files in \d+ bytes, 0 findings\n$/)
    }))

  test('fat32-to-a-file.mjs', () =>
    inFolder(async (folder) => {
      const output = await example(folder, 'fat32-to-a-file.mjs', 'firmware.img')
      expect(output).toBe(`firmware.img: 2 files in ${64 * 2 ** 20} bytes\n`)
      if (requireJudge('fsck.fat')) await fsckFat(join(folder, 'firmware.img'))
    }))

  test('smallest-fat16.mjs', () =>
    inFolder(async (folder) => {
      const output = await example(folder, 'smallest-fat16.mjs', 'firmware.img')
      expect(output).toMatch(/^firmware\.img: 11\d+ bytes, 10\d{5} free in clusters of 2048\n$/)
      if (requireJudge('fsck.fat')) await fsckFat(join(folder, 'firmware.img'))
    }))

  test('partition-table.mjs', () =>
    inFolder(async (folder) => {
      expect(await example(folder, 'partition-table.mjs')).toBe(
        `partition 1: ${64 * 2 ** 20} bytes at ${2 ** 20}\npartition 2: ${256 * 2 ** 20} bytes at ${65 * 2 ** 20}\n`,
      )
    }))

  test('send-streams.mjs', () =>
    inFolder(async (folder) => {
      const [full, both] = SAMPLE_STREAMS
      writeFileSync(join(folder, 'full'), Buffer.concat(full))
      writeFileSync(join(folder, 'incremental'), Buffer.concat(both.slice(full.length)))
      expect(await example(folder, 'send-streams.mjs', 'home.img', 'full', 'incremental')).toBe(
        'home.img: 2 files, received UUID 65666768-696a-6b6c-6d6e-6f7071727374\n',
      )
    }))

  test('zenfs-source.mjs', () =>
    inFolder(async (folder) => {
      expect(await example(folder, 'zenfs-source.mjs', 'disk.img')).toBe('disk.img: 2 files, 1 symlink\n')
    }))

  test('root-of-a-directory.mjs', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'root'))
      writeFileSync(join(folder, 'root/shadow'), '')
      writeFileSync(
        join(folder, 'root.mtree'),
        '#mtree\n./shadow mode=0600 uid=0 gid=42\n./null type=char device=native,1,3\n',
      )
      expect(await example(folder, 'root-of-a-directory.mjs', 'root', 'root.mtree', 'disk.img')).toBe(
        '1: fat32, 2 files\n2: btrfs, 3 files\n',
      )
    }))

  test('tree-in-memory.mjs', () =>
    inFolder(async (folder) => {
      expect(await example(folder, 'tree-in-memory.mjs', 'disk.img')).toMatch(
        /^disk\.img: \d+ bytes, 31 logs\n$/,
      )
    }))

  test('image-in-a-worker.mjs', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'root.tar'), buildTar([{ path: 'a', type: 'file', content: text(3e6) }]))
      const output = await example(folder, 'image-in-a-worker.mjs', 'root.tar', 'disk.img.zst')
      expect(output).toMatch(/^disk\.img\.zst: 1 files in \d+ bytes\n$/)
    }))

  test('container-image.mjs', () =>
    inFolder(async (folder) => {
      const layers = [
        layerOf({ path: 'a', type: 'file', content: text(3e6) }, { path: 'b', type: 'file', content: 'b' }),
        layerOf({ path: '.wh.b', type: 'file' }),
      ]
      const layout = new TestLayout()
      layout.top(layout.image(layers, { architecture: 'arm64' }), layout.image([], { architecture: 'amd64' }))
      writeFileSync(join(folder, 'image.tar'), layout.tar())
      const output = await example(folder, 'container-image.mjs', 'image.tar', 'linux/arm64', 'disk.img.zst')
      expect(output).toMatch(/^disk\.img\.zst: 1 files in \d+ bytes\n$/)
    }))

  test('browser/page.js lists an image that is chosen on the page', async () => {
    if (!canBrowse()) return
    await inFolder(async (folder) => {
      writeFileSync(join(folder, 'a.tar'), buildTar([{ path: 'hello', type: 'file', content: 'abc' }]))
      const image = join(folder, 'disk.img.zst')
      const partition = {
        type: 'btrfs',
        label: 'ROOT',
        size: 'fit',
        sources: [{ tar: 'a.tar' }],
      } satisfies BtrfsSpec
      await buildImage(
        { table: { type: 'mbr' }, partitions: [partition] },
        { output: image, baseDirectory: folder },
      )
      writeFileSync(
        join(folder, 'page.bundle.js'),
        await bundleForBrowser(join(EXAMPLES, 'browser', 'page.js')),
      )
      // A browser loads no module from a file, only scripts.
      const html = readFileSync(join(EXAMPLES, 'browser', 'index.html'), 'utf8')
      const script = readFileSync(join(folder, 'page.bundle.js'), 'utf8').replaceAll('</script', '<\\/script')
      const inline = html.replace(
        '<script type="module" src="page.bundle.js">',
        () => `<script type="module">${script}`,
      )
      writeFileSync(join(folder, 'index.html'), inline)
      await visit(join(folder, 'index.html'), {}, async (page) => {
        await page.setInputFiles('input', image)
        await page.waitForSelector('li:nth-child(2)')
        const lines = await page.locator('li').allTextContents()
        expect(lines[0]).toMatch(/^partition 1: btrfs "ROOT", \d+ bytes$/)
        expect(lines.slice(1)).toEqual(['1:/hello (file)'])
      })
    })
  })

  test('tar-filter.mjs', () =>
    inFolder(async (folder) => {
      const kept = { path: 'usr/bin/tool', type: 'file', content: text(100_000) } as const
      const entries = [{ path: 'usr/share/doc/a', type: 'file', content: 'a' } as const, kept]
      writeFileSync(join(folder, 'in.tar'), buildTar(entries.map((entry) => ({ ...entry, uid: 1000 }))))
      const script = `"$0" ${join(EXAMPLES, 'tar-filter.mjs')} < in.tar > out.tar && tar tvf out.tar --numeric-owner`
      const { stdout } = await run('bash', ['-c', script, process.execPath], { cwd: folder })
      expect(stdout).toMatch(/^-rw-r--r-- 0\/0 +100000 .* usr\/bin\/tool\n$/)
    }))

  test.skipIf(![requireJudge('tar'), requireJudge('xz')].every(Boolean))('tar-dialects.mjs', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'etc'))
      writeFileSync(join(folder, 'etc/passwd'), 'alice:x:1234:5::/:\n')
      const dialects = ['v7', 'oldgnu', 'gnu', 'ustar', 'posix']
      for (const dialect of dialects) writeFileSync(join(folder, dialect), dialect)
      const archives = ['passwd', ...dialects].map(
        (name) =>
          `tar --format=${name === 'passwd' ? 'gnu' : name} --owner=alice:7 -cf - ${name.replace('pa', 'etc/pa')}`,
      )
      await run('bash', ['-c', `(${archives.join('; ')}) | xz > root.tar.xz`], { cwd: folder })
      const apple = { path: 'apple', type: 'file', pax: { 'LIBARCHIVE.xattr.com.apple.x': 'eA' } } as const
      writeFileSync(join(folder, 'apple.tar'), buildTar([apple]))
      await run('bash', ['-c', 'xz < apple.tar >> root.tar.xz'], { cwd: folder })
      const lines = (await example(folder, 'tar-dialects.mjs', 'root.tar.xz', 'disk.img')).split('\n')
      expect(lines).toEqual([
        expect.stringMatching(/left out what BTRFS cannot hold: 1 extended attribute/),
        'disk.img: 7 files; dropped: {"xattrs":1,"acls":0,"flags":0,"entries":0}',
        '',
      ])
      const image = await openImage(join(folder, 'disk.img'))
      try {
        const fileSystem = await image.partition(1).open()
        const owners = []
        for (const name of dialects) owners.push((await fileSystem.stat(name)).uid)
        // V7 has no names: the number, which is that of this test, counts.
        expect(owners).toEqual([7, 1234, 1234, 1234, 1234])
      } finally {
        await image.close()
      }
    }),
  )

  test('zenfs-mount.mjs', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'a.tar'), buildTar([{ path: 'a', type: 'file', content: 'abc' }]))
      await buildImage(
        {
          table: { type: 'mbr' },
          partitions: [{ type: 'btrfs', label: 'ROOT', size: 'fit', sources: [{ tar: 'a.tar' }] }],
        },
        { output: join(folder, 'disk.img.zst'), baseDirectory: folder },
      )
      expect(await example(folder, 'zenfs-mount.mjs', 'disk.img.zst', 'ROOT')).toBe(
        '100644 3 1970-01-01T00:00:00.000Z a\n',
      )
    }))
})
