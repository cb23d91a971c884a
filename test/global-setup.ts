/** Brings dist/ up to date once before all tests: those of the command run what users run. */
import { ensureBuild } from '../scripts/ensure-dependencies.mjs'

export default ensureBuild
