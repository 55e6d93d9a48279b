// A Better Auth server in memory that signs JWTs, for the tests.
//
//   node server.mjs EdDSA
//
// Prints its URL, serves until its standard input ends. POST /rotate makes its
// key too old, so that the next token is signed by a new one.
import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';

const alg = process.argv[2];
const tables = { user: [], session: [], account: [], verification: [], jwks: [] };
let handler;

const server = createServer((request, response) => {
  if (request.url === '/rotate') {
    for (const key of tables.jwks) key.expiresAt = new Date(Date.now() - 1000);
    response.end();
    return;
  }
  handler(request, response);
});

server.listen(0, '127.0.0.1', () => {
  const baseURL = `http://127.0.0.1:${server.address().port}`;
  handler = toNodeHandler(betterAuth({
    baseURL,
    secret: 'of the tests, and nobody has to guess it',
    database: memoryAdapter(tables),
    emailAndPassword: { enabled: true },
    plugins: [jwt({ jwks: { keyPairConfig: { alg } } })],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: 'error' },
  }));
  console.log(baseURL);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
