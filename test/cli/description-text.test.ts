import { describe, expect, it } from 'vitest'
import { parseDescription } from '../../src/cli/description-text.ts'

const JSON_TEXT = `// An image.
{
  "table": { "type": "mbr" }, /* of DOS */
  "partitions": [
    {
      "type": "btrfs",
      "paths": [{ "path": "/a b", "xattrs": { "user.a-b": "x" } },],
    },
  ],
}
`
const YAML_TEXT = `# An image.
table: { type: mbr, diskId: 0x2178694e }
partitions:
  - type: btrfs
    uboot: 2025.10
    size: 3000000
    mode: 0644
    paths:
      - { path: /a b, xattrs: { user.a-b: x } }
`

describe('a description', () => {
  it('is JSON with comments and with commas at the ends', async () => {
    const { value } = await parseDescription(JSON_TEXT, 'a.json')
    expect(value).toMatchObject({ table: { type: 'mbr' }, partitions: [{ type: 'btrfs' }] })
  })

  it('is YAML, whose numbers are those of JSON', async () => {
    for (const name of ['a.yaml', 'a.yml', 'standard input']) {
      const { value } = await parseDescription(YAML_TEXT, name)
      expect(value).toEqual({
        table: { type: 'mbr', diskId: '0x2178694e' },
        partitions: [
          {
            ...{ type: 'btrfs', uboot: '2025.10', size: 3000000, mode: '0644' },
            paths: [{ path: '/a b', xattrs: { 'user.a-b': 'x' } }],
          },
        ],
      })
    }
  })

  it.each([
    [JSON_TEXT, 'a.json', 'table.type', '3:14'],
    [JSON_TEXT, 'a.json', 'partitions[0].paths[0].xattrs["user.a-b"]', '7:47'],
    [JSON_TEXT, 'a.json', 'partitions[0].size', '5:5'],
    [JSON_TEXT, 'a.json', 'seed', '2:1'],
    [YAML_TEXT, 'a.yaml', 'table.type', '2:10'],
    [YAML_TEXT, 'a.yaml', 'partitions[0].paths[0].xattrs["user.a-b"]', '9:33'],
    [YAML_TEXT, 'a.yaml', 'partitions[0].label', '4:5'],
    [YAML_TEXT, 'a.yaml', 'seed', '2:1'],
  ])('%#: knows where a value stands', async (text, name, path, place) => {
    const { placeOf } = await parseDescription(text, name)
    expect(placeOf(path)).toBe(place)
  })

  it.each([
    ['a.json', '{"a": 1, "a": 2}', 'a.json:1:10: the key "a" is a duplicate'],
    ['a.json', '{\n  "a": tru\n}', 'a.json:2:8: expected a value, found "t"'],
    ['a.json', 'a: 1', 'a.json:1:1: expected a value, found "a"'],
    ['a.json', '{} x', 'a.json:1:4: expected the end, found "x"'],
    ['a.yaml', 'a: 1\na: 2\n', 'a.yaml:2:1: map keys must be unique'],
    ['a.yaml', 'a:\n\tb: 1\n', 'a.yaml:2:1: tabs are not allowed as indentation'],
    ['a.yaml', 'a: [1,\nb: 2\n', /^a\.yaml:2:1: flow sequence/],
    ['a.yaml', 'a: *none\n', 'a.yaml:1:4: the alias "none" has no anchor before it'],
  ])('%s: %j is an error with its place', async (name, text, message) => {
    await expect(parseDescription(text, name)).rejects.toThrow(message)
  })

  it('does not expand aliases of aliases without end', async () => {
    const lists = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`)
    const text = `a0: &a0 [x]\n${lists.join('\n')}\n`
    await expect(parseDescription(text, 'a.yaml')).rejects.toThrow(/^a\.yaml: .*alias/i)
  })
})
