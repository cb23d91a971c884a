import { describe, expect, test } from 'vitest'
import { build, describeImage, inFolder } from '../images/build.ts'
import type { TarInput } from '../tar/build-tar.ts'

const findingsOf = (...archives: TarInput[][]) =>
  inFolder(async (folder) => {
    const sources = archives.map((entries) => ({ entries }))
    const { result } = await build(folder, describeImage(folder, sources))
    return result.findings.map(({ where, ...rest }) => ({ where: where.slice(folder.length + 1), ...rest }))
  })

describe('layers of a container image as tar sources', () => {
  const file = (path: string): TarInput => ({ path, type: 'file' })

  test('get one notice each, with the first whiteout', async () => {
    const message = (path: string) =>
      `holds whiteouts of a container image's layer, the first "${path}", as ordinary files; a source { "oci": ... } applies the layers of an image to each other`
    expect(
      await findingsOf([file('a'), file('b')], [file('.wh.a'), file('.wh.b')], [file('d/.wh..wh..opq')]),
    ).toEqual([
      { severity: 'notice', where: 'source-1.tar', message: message('.wh.a') },
      { severity: 'notice', where: 'source-2.tar', message: message('d/.wh..wh..opq') },
    ])
  })

  test('and nothing else does', async () => {
    expect(await findingsOf([file('a.wh.b'), file('.wh.d/c'), file('.whx')])).toEqual([])
  })
})
