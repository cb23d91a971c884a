/** Trees of boot files that are only described. */
import { PLAIN_FORM, type FileLayout } from '../../src/file-tree/file-layout.ts'
import { fromText, toBytes, toLatin1 } from '../../src/lib/byte-string.ts'
import type { BootTree } from '../../src/uboot/boot-tree.ts'

export type Files = Record<string, string | Uint8Array>

/** A tree of files without symlinks. */
export function treeOf(files: Files, forms: Record<string, Partial<FileLayout>> = {}): BootTree {
  const bytes = (path: string) => {
    const content = files[path]
    return typeof content === 'string' ? toBytes(fromText(content)) : content
  }
  const normal = (path: string) => {
    const parts: string[] = []
    for (const part of path.split('/')) {
      if (part === '..') parts.pop()
      else if (part !== '' && part !== '.') parts.push(part)
    }
    return parts.join('/')
  }
  const below = (path: string) =>
    Object.keys(files).filter((file) => path === '' || file.startsWith(`${path}/`))
  return {
    find: (path) => {
      const at = normal(toLatin1(path))
      if (at in files) return Promise.resolve({ path: at, type: 'file', size: bytes(at).length })
      const isFolder = below(at).length > 0
      return Promise.resolve(isFolder ? { path: at, type: 'directory', size: 0 } : undefined)
    },
    list: ({ path }) => {
      const skip = path === '' ? 0 : path.length + 1
      return Promise.resolve([
        ...new Set(below(toLatin1(path)).map((file) => file.slice(skip).split('/')[0])),
      ])
    },
    read: ({ path }, length, offset = 0) =>
      Promise.resolve(bytes(toLatin1(path)).subarray(offset, offset + length)),
    form: ({ path }) => Promise.resolve({ ...PLAIN_FORM, ...forms[toLatin1(path)] }),
  }
}
