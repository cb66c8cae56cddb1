// One lint that matters: no promise is left floating. The rest of the list holds the rooms' borders.
import tseslint from 'typescript-eslint';

const hostGlobals = ['process', 'Buffer', 'setTimeout', 'setInterval', 'setImmediate', 'performance', 'WebSocket', 'window', 'document'];

export default tseslint.config(
  { ignores: ['dist/', 'dist.*/', '**/node_modules/', 'bench/.built/', 'test-output/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
      ],
    },
  },
  {
    // audio and session run in any JavaScript host: what they need of the host is handed to them as a port.
    files: ['audio/**/*.ts', 'session/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...hostGlobals],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time comes from the Clock port.' },
        { object: 'Math', property: 'random', message: 'Ids and seeds are handed in.' },
      ],
    },
  },
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
