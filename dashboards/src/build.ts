// Writes ../*.json; with --check only says whether they are up to date.
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {cluster} from './cluster.js';
import {drbd} from './drbd.js';
import {node} from './node.js';
import {remediation} from './remediation.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const pages = {cluster, node, drbd, remediation};
/** With ids: 1 for the first panel and so on, so that links to a panel stay right while none is added. */
const text = (page: {panels?: {id?: number}[]}): string =>
  `${JSON.stringify({...page, panels: page.panels?.map((panel, index) => ({...panel, id: index + 1}))}, null, 1)}\n`;

const check = process.argv.includes('--check');
let wrong = 0;

for (const [name, builder] of Object.entries(pages)) {
  const path = join(folder, `${name}.json`);
  const made = text(builder.build());
  if (!check) {
    writeFileSync(path, made);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== made) {
    console.error(`${name}.json is not what src/${name}.ts makes: npm run build`);
    wrong++;
  }
}
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  if (!(file.replace(/\.json$/, '') in pages)) {
    console.error(`${file} is made by nothing in src/`);
    wrong++;
  }
}
process.exit(wrong ? 1 : 0);
