import { aclFromText } from '../../src/tar/acl-text.ts'
import { noise } from '../images/build.ts'
import type { TarInput } from './build-tar.ts'

/** Something of everything that other tars can put on a disk. */
export const sampleEntries: TarInput[] = [
  { path: '', type: 'directory', mode: 0o750, mtime: { sec: 77, nsec: 5 } },
  { path: 'd', type: 'directory', mode: 0o1777, mtime: { sec: 1_600_000_000, nsec: 123_456_789 } },
  { path: 'd/small', type: 'file', content: 'small\n', mode: 0o4755, uid: 1000, gid: 3_000_000_000 },
  { path: 'd/again', type: 'hardlink', target: 'd/small' },
  { path: 'd/empty', type: 'file', mtime: { sec: 5_000_000_000, nsec: 1 } },
  { path: 'd/data', type: 'file', content: noise(300_001), mtime: { sec: 1, nsec: 999_999_999 } },
  { path: 'd/link', type: 'symlink', target: '../nowhere', mode: 0o777 },
  { path: 'd/long', type: 'symlink', target: `${'x'.repeat(200)}/\xfe`, mode: 0o777 },
  { path: 'd/fifo', type: 'fifo', mode: 0o600 },
  { path: 'd/device', type: 'character', major: 5, minor: 1 },
  { path: 'd/disk', type: 'block', major: 259, minor: 70_000 },
  { path: `d/${'long'.repeat(60)}`, type: 'directory' },
  { path: `d/${'long'.repeat(60)}/${'n'.repeat(255)}`, type: 'file', content: 'x' },
  { path: 'd/gr\xc3\xbc\xc3\x9fe', type: 'file', content: 'y' },
  { path: 'd/\xff\xfe', type: 'directory' },
  { path: 'd/\xff\xfe/a\\b\n "', type: 'file', content: 'z' },
  {
    path: 'd/sparse',
    type: 'file',
    content: new Uint8Array([...new Uint8Array(200_704), ...noise(5120), ...new Uint8Array(90_000)]),
    sparse: '1.0',
  },
  { path: 'd/\xfehole', type: 'file', content: new Uint8Array(300_000), sparse: '1.0', mode: 0o600 },
  {
    path: 'd/attributes',
    type: 'file',
    mode: 0o640,
    xattrs: [
      {
        name: 'system.posix_acl_access',
        value: aclFromText('u::rw-,u:7:r--,g::r--,m::r--,o::---', 'access')!.value!,
      },
      { name: 'trusted.t', value: noise(20) },
      { name: 'user.a', value: new Uint8Array([0, 10, 61, 255]) },
      { name: 'user.%=', value: new Uint8Array([1]) },
    ],
  },
  { path: 'after', type: 'file', content: 'the end' },
]
