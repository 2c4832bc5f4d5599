/** For `node --import`: makes `vigil/plugin` and `vigil/testing` known to a process that is not Vigil, as the tests of a plugin. */
import { hookModules } from './module-hook.ts'

hookModules()
