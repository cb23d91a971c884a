/** Archives of the writer in src/extract, of entries as the tests have them. */
import type { DataRange } from '../../../src/file-tree/file-content.ts'
import { toBytes, fromText } from '../../../src/lib/byte-string.ts'
import { memberHeader, type TarMember } from '../../../src/tar/write/member.ts'
import { TarWriter } from '../../../src/tar/write/writer.ts'
import type { TarInput } from '../../tar/build-tar.ts'
import { mapOf, pick, type SparseMap } from '../../tar/build-sparse.ts'

/** The whole archive. */
export async function writeTar(inputs: readonly TarInput[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const writer = new TarWriter({
    keepsChunks: true,
    write(chunk) {
      chunks.push(chunk)
      return Promise.resolve()
    },
  })
  for (const input of inputs) {
    const { member, content } = memberOf(input)
    writer.member(member)
    writer.content(content)
    writer.pad(content.length)
    await writer.flush()
  }
  await writer.finish()
  return new Uint8Array(Buffer.concat(chunks))
}

export const headerOf = (input: TarInput): Buffer => Buffer.from(memberHeader(memberOf(input).member))

function memberOf(input: TarInput): { member: TarMember; content: Uint8Array } {
  const metadata = {
    mode: input.type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtime: { sec: 0, nsec: 0 },
  }
  if (input.type !== 'file') return { member: { ...metadata, ...input }, content: new Uint8Array(0) }
  const { content = '', sparse, sparseMap, ...rest } = input
  const bytes = typeof content === 'string' ? toBytes(fromText(content)) : content
  if (sparse === undefined) return { member: { ...metadata, ...rest, size: bytes.length }, content: bytes }
  const map = sparseMap ?? mapOf(bytes)
  return {
    member: { ...metadata, ...rest, size: map.size, ranges: rangesOf(map) },
    content: sparseMap ? bytes : pick(bytes, map),
  }
}

function rangesOf({ map }: SparseMap): DataRange[] {
  return map.filter(([, length]) => length > 0).map(([offset, length]) => ({ offset, length }))
}
