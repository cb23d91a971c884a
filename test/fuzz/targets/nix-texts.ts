import { parseNarInfo } from '../../../src/sources/nix/narinfo.ts'
import { formatRegistration, parseRegistration } from '../../../src/sources/nix/registration.ts'
import { SOURCE, Violation, words, type FuzzTarget } from '../target.ts'

const A = '00000000000000000000000000000000-a'
const HEX = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const BASE32 = 'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'
const SRI = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
const NARINFO = `StorePath: /nix/store/${A}
URL: nar/1.nar.xz
Compression: xz
FileHash: ${BASE32}
FileSize: 100
NarHash: ${SRI}
NarSize: 120
References: ${A} ${A}
Deriver: ${A}.drv
Sig: key-1:${Buffer.alloc(64, 7).toString('base64')}
`
const REGISTRATION = `/nix/store/${A}\n${HEX}\n120\n/nix/store/${A}.drv\n1\n/nix/store/${A}\n`

/** narinfo files, and the registrations of store paths. */
export const nixTexts: FuzzTarget = {
  name: 'nix-texts',
  executions: 60_000,
  maxLength: 2048,
  dictionary: words(
    ...[
      'StorePath: ',
      'URL: ',
      'NarHash: ',
      'NarSize: ',
      'References: ',
      'Deriver: ',
      'Sig: ',
      'Compression: ',
    ],
    ...['unknown-deriver', '__proto__: ', '\n', '\r\n', '/nix/store/', '../', 'http://', A, HEX, BASE32, SRI],
  ),
  seeds: () => words(NARINFO, REGISTRATION, REGISTRATION.repeat(2).replace(A, A.replace('-a', '-b'))),
  async run(input) {
    const text = Buffer.from(input).toString()
    if (!text.startsWith('/')) {
      parseNarInfo(text, SOURCE)
      return
    }
    const infos = parseRegistration(text, SOURCE)
    const again = parseRegistration(formatRegistration(infos), SOURCE)
    if (JSON.stringify(again) !== JSON.stringify(infos)) throw new Violation('it is written as another one')
    await Promise.resolve()
  },
}
