/** The interfaces of the description and its schema say the same. */
import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type * as z from 'zod/mini'
import type { BtrfsOptions, BtrfsSpec } from '../../src/spec/btrfs-spec.ts'
import { btrfs, btrfsOptions, pathRule, subvolume } from '../../src/spec/schema/btrfs-schema.ts'
import { firmware, nixos, uboot } from '../../src/spec/schema/boot-schema.ts'
import type { FirmwareSpec, NixosSpec, UbootSpec } from '../../src/spec/boot-spec.ts'
import { fat12, fat16, fat32, fatOptions, fatPathRule } from '../../src/spec/schema/fat32-schema.ts'
import type { Fat12Spec, Fat16Spec, Fat32Spec, FatOptions } from '../../src/spec/fat32-spec.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import type { PathRuleSpec, SubvolumeSpec } from '../../src/spec/btrfs-spec.ts'
import { empty, raw, swap } from '../../src/spec/schema/fileless-schema.ts'
import { imageSpec } from '../../src/spec/schema/schema.ts'
import { gptTable, mbrTable } from '../../src/spec/schema/table-schema.ts'
import { SOURCE_KINDS } from '../../src/spec/sources/table.ts'
import type { SourceSpec } from '../../src/spec/sources/types.ts'

/** Interface -> keys, those of what it extends included -> whether they have a comment. */
function documentedKeys(): Map<string, Map<string, boolean>> {
  const found = new Map<string, Map<string, boolean>>()
  const parents = new Map<string, string[]>()
  const folder = new URL('../../src/spec/', import.meta.url)
  const sources = readdirSync(new URL('sources', folder)).map((name) => `sources/${name}`)
  for (const file of [
    'image-spec.ts',
    'btrfs-spec.ts',
    'fat32-spec.ts',
    'fileless-spec.ts',
    'path-rule-spec.ts',
    'boot-spec.ts',
    ...sources,
  ]) {
    const path = new URL(file, folder)
    const parsed = ts.createSourceFile(file, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
    parsed.forEachChild((node) => {
      if (!ts.isInterfaceDeclaration(node)) return
      const keys = node.members.map((member): [string, boolean] => [
        (member.name as ts.Identifier).text,
        ts.getJSDocCommentsAndTags(member).length > 0,
      ])
      found.set(node.name.text, new Map(keys))
      const extended =
        node.heritageClauses?.flatMap(({ types }) => types.map((type) => type.getText(parsed))) ?? []
      parents.set(
        node.name.text,
        extended.map((text) => text.replace(/^Omit<(\w+),.*/, '$1')),
      )
    })
  }
  const all = (name: string): [string, boolean][] => [...parents.get(name)!.flatMap(all), ...found.get(name)!]
  return new Map([...found.keys()].map((name) => [name, new Map(all(name))]))
}

describe('interfaces of the description', () => {
  test('have the types of the schema', () => {
    expectTypeOf<ImageSpec>().toEqualTypeOf<z.input<typeof imageSpec>>()
    expectTypeOf<BtrfsSpec>().toEqualTypeOf<z.input<typeof btrfs>>()
    expectTypeOf<Fat12Spec>().toEqualTypeOf<z.input<typeof fat12>>()
    expectTypeOf<Fat16Spec>().toEqualTypeOf<z.input<typeof fat16>>()
    expectTypeOf<Fat32Spec>().toEqualTypeOf<z.input<typeof fat32>>()
    expectTypeOf<BtrfsOptions>().toEqualTypeOf<z.input<typeof btrfsOptions>>()
    expectTypeOf<FatOptions>().toEqualTypeOf<z.input<typeof fatOptions>>()
  })

  test.each<[string, z.ZodMiniObject]>([
    ['ImageSpec', imageSpec],
    ['MbrTableSpec', mbrTable],
    ['GptTableSpec', gptTable],
    ['RawSpec', raw],
    ['SwapSpec', swap],
    ['EmptySpec', empty],
    ['BtrfsSpec', btrfs],
    ['BtrfsOptions', btrfsOptions],
    ['ProfilesSpec', btrfs.shape.profiles.def.innerType],
    ['SwapfileSpec', btrfs.shape.swapfile.def.innerType],
    ['SubvolumeSpec', subvolume],
    ['PathRuleSpec', pathRule],
    ['FatPathRuleSpec', fatPathRule],
    ['Fat12Spec', fat12],
    ['Fat16Spec', fat16],
    ['Fat32Spec', fat32],
    ['FatOptions', fatOptions],
    ['TarSourceSpec', SOURCE_KINDS.tar.schema],
    ['DirectorySourceSpec', SOURCE_KINDS.directory.schema],
    ['NixSourceSpec', SOURCE_KINDS.nix.schema],
    ['NixPathsSpec', SOURCE_KINDS.nix.schema.shape.nix],
    ['NarSourceSpec', SOURCE_KINDS.nar.schema],
    ['EntriesSourceSpec', SOURCE_KINDS.entries.schema],
    ['OciSourceSpec', SOURCE_KINDS.oci.schema],
    ['SendSourceSpec', SOURCE_KINDS.send.schema],
    ['FilesSourceSpec', SOURCE_KINDS.files.schema],
    ['ZenfsSourceSpec', SOURCE_KINDS.zenfs.schema],
    ['FirmwareSpec', firmware],
    ['NixosSpec', nixos],
    ['UbootSpec', uboot],
  ])('%s has a comment on every key', (name, schema) => {
    const keys = documentedKeys().get(name)!
    expect([...keys].filter(([, isDocumented]) => !isDocumented)).toEqual([])
    expect(Object.keys(schema.shape).filter((key) => !keys.has(key))).toEqual([])
  })
})

// Each alone, so that the compiler says which one has drifted.
expectTypeOf<SubvolumeSpec>().toEqualTypeOf<z.input<typeof subvolume>>()
expectTypeOf<PathRuleSpec>().toEqualTypeOf<z.input<typeof pathRule>>()
type SchemaInput = { [Kind in keyof typeof SOURCE_KINDS]: z.input<(typeof SOURCE_KINDS)[Kind]['schema']> }
expectTypeOf<SourceSpec>().toEqualTypeOf<SchemaInput[keyof SchemaInput]>()
expectTypeOf<FirmwareSpec>().toEqualTypeOf<z.input<typeof firmware>>()
expectTypeOf<NixosSpec>().toEqualTypeOf<z.input<typeof nixos>>()
expectTypeOf<UbootSpec>().toEqualTypeOf<z.input<typeof uboot>>()
