import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// The package looks itself up by its own name: this file lies at another depth in the source tree than in dist.
const require = createRequire(import.meta.url);
const manifestPath = require.resolve('voicewire/package.json');

/** Where the build puts the gateway's page. */
export const builtPageDir = join(dirname(manifestPath), 'dist', 'page');

/** The built command line; a process of its own is started from it. */
export const builtCliDir = join(dirname(manifestPath), 'dist', 'src', 'cli');

/** The page that shows recorded calls. */
export const builtInspectDir = join(dirname(manifestPath), 'dist', 'inspect');
