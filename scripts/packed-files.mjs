/** What npm packs. */
import { npm } from './npm.mjs'

/** The paths of the files that npm would pack now, `package.json` among them. @param root folder of the package */
export function packedFiles(root) {
  const [{ files }] = JSON.parse(
    npm(['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], root),
  )
  return files.map(({ path }) => path)
}
