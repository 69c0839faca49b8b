// Prints each breach of our rules by ../*.json; fails when there is one.
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {breaches, type Dashboard, folder} from './rules.js';

const found = readdirSync(folder).filter((name) => name.endsWith('.json')).flatMap((file) =>
  breaches(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Dashboard).map((breach) => `${file}: ${breach}`));
found.forEach((breach) => console.error(breach));
process.exit(found.length ? 1 : 0);
