// Lints an OpenAPI file with Redocly's recommended rules, all as errors.
//
//   node lint.mjs openapi.json
//
// This is the library under `redocly lint`: the command itself brings 250
// packages and reports its use. Prints one line for each problem; exits 1
// when there is one.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { createConfig, lintFromString } = require('@redocly/openapi-core');

const file = process.argv[2];
const config = await createConfig({
  extends: ['recommended-strict'],
  rules: {
    'no-invalid-media-type-examples': 'error',
    'no-invalid-schema-examples': 'error',
    'no-invalid-parameter-examples': 'error',
    // The paths are those of published APIs: /api/{user_id}/tasks and
    // /api/todos/{todo_id} meet in one path that is a todo's by no UUID.
    'no-ambiguous-paths': 'off',
    // The host is wherever todod runs: "/" is the true answer.
    'no-server-example.com': 'off',
  },
});
const problems = await lintFromString({
  source: readFileSync(file, 'utf8'),
  absoluteRef: file,
  config,
});
for (const problem of problems) {
  const place = problem.location[0];
  const where = place && (place.pointer || '#/');
  console.log(`${problem.severity} ${problem.ruleId} at ${where}: ${problem.message}`);
}
process.exit(problems.length ? 1 : 0);
