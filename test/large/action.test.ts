/** action.yml builds diskwright from its own source when no version is given. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runAction } from '../ci/run-action.ts'
import { inFolder } from '../images/build.ts'
import { buildTar } from '../tar/build-tar.ts'

test('the action builds what it runs, and an image with it', async () => {
  await inFolder(async (folder) => {
    const workspace = join(folder, 'workspace')
    mkdirSync(workspace)
    writeFileSync(join(workspace, 'root.tar'), buildTar([{ path: 'a', type: 'file', content: 'b' }]))
    const { succeeded, log, outputs } = await runAction({
      inputs: { content: 'root.tar', artifact: '' },
      workspace,
      temp: join(folder, 'temp'),
      env: { npm_config_prefer_offline: 'true' },
    })
    expect({ log, succeeded }).toMatchObject({ succeeded: true })
    expect(outputs.sha256).toMatch(/^[\da-f]{64}$/)
  })
})
