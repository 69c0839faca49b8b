// Our rules for dashboards. rules.test.ts has a dashboard that breaks each.
import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parser} from '@prometheus-io/lezer-promql';

type Target = {refId: string; expr: string; legendFormat?: string; datasource?: {uid?: string}};
export type Panel = {id: number; type: string; title: string; description?: string; datasource?: {uid?: string};
  targets?: Target[]; gridPos: {x: number; y: number; w: number; h: number};
  fieldConfig?: {defaults: {unit?: string; min?: number}}};
export type Dashboard = {uid: string; title: string; tags: string[]; editable: boolean; schemaVersion: number; id?: number | null;
  panels: Panel[]; links: {tags?: string[]; includeVars?: boolean; keepTime?: boolean}[];
  templating: {list: {name: string; type: string; datasource?: {uid?: string}; query: unknown; refresh?: number}[]};
  annotations: {list: {name: string; expr?: string; datasource?: {uid?: string}; target?: {expr?: string}}[]}};

export const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const documented = new Set([...readFileSync(join(folder, '..', 'docs', 'metrics.md'), 'utf8').matchAll(/`((?:upkeep|process)_\w+)/g)]
  .map((match) => match[1]));
const fromPrometheus = new Set(['up', 'ALERTS']);
type Say = (what: string) => void;

/** PromQL with Grafana's variables filled in; what was chosen stays recognisable. */
const filled = (expr: string): string => expr.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h')
  .replaceAll('$__interval', '15s').replaceAll(/\$(job|cluster|node)\b/g, 'CHOSEN');

function checkQuery(say: Say, expr: string): void {
  const text = filled(expr);
  if (text.includes('$')) say(`a variable nobody fills in: ${text}`);
  parser.parse(text).iterate({enter: (syntax) => {
    if (syntax.type.isError) say(`does not parse at ${syntax.from}: ${text}`);
    if (syntax.name === 'VectorSelector') checkSelector(say, text.slice(syntax.from, syntax.to));
  }});
  for (const [, window] of expr.matchAll(/\[([^\]]+)\]/g)) {
    if (!['$__rate_interval', '$__range', '$__range:$__interval'].includes(window)) say(`a fixed window: [${window}]`);
  }
}

function checkSelector(say: Say, selector: string): void {
  const metric = /^[\w:]+/.exec(selector)?.[0] ?? '';
  const base = metric.replace(/_(bucket|sum|count)$/, '');
  if (![metric, base].some((name) => documented.has(name)) && !fromPrometheus.has(metric)) {
    say(`no such metric: ${metric}`);
  }
  const matched = new Map([...selector.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)]
    .map(([, label, operator, value]) => [label, operator + value]));
  const needed = metric === 'ALERTS' ? ['cluster', 'instance'] : ['job', 'cluster', 'instance'];
  for (const label of needed) {
    const how = matched.get(label);
    if (!how) say(`${metric} is not restricted by ${label}`);
    else if (!how.startsWith('=~CHOSEN')) say(`${metric} has a ${label} of its own`);
  }
}

function checkPanel(say: Say, panel: Panel): void {
  if (panel.datasource?.uid !== '${datasource}') say('not the chosen data source');
  if (!panel.description?.endsWith('.')) say('its description is missing or no sentence');
  if (!panel.fieldConfig?.defaults.unit) say('no unit');
  if (!panel.targets?.length) say('no query');
  for (const target of panel.targets ?? []) {
    if (target.datasource?.uid !== '${datasource}') say(`query ${target.refId}: not the chosen data source`);
    checkQuery(say, target.expr);
    const grouped = /^-?(?:sum|max|count|min|histogram_quantile\([\d.]+, sum) by \(([^)]*)\)/.exec(target.expr);
    for (const [, label] of (target.legendFormat ?? '').matchAll(/\{\{(\w+)\}\}/g)) {
      if (grouped && !grouped[1].split(', ').includes(label)) say(`the legend shows ${label}, which the query drops`);
    }
    if (['timeseries', 'state-timeline'].includes(panel.type) && !target.legendFormat) say('no legend');
  }
}

function checkLayout(say: Say, panels: Panel[]): void {
  const taken = new Map<string, string>();
  for (const {gridPos: {x, y, w, h}, title} of panels) {
    if (x + w > 24) say(`'${title}' is too far to the right`);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        const other = taken.get(`${column},${line}`);
        if (other) say(`'${title}' lies on '${other}'`);
        taken.set(`${column},${line}`, title);
      }
    }
  }
  if (new Set(panels.map((panel) => panel.id)).size !== panels.length) say('two panels have the same id');
}

function checkDashboard(say: Say, page: Dashboard): void {
  if (!/^upkeep-[\w-]{1,30}$/.test(page.uid)) say(`uid ${page.uid}`);
  if (page.id) say('has an id: it can not be provisioned twice');
  if (page.editable) say('is editable');
  if (!page.tags.includes('upkeep')) say('has no tag by which the others link to it');
  if (!page.links.some((link) => link.tags?.includes('upkeep') && link.includeVars && link.keepTime)) say('does not link to the others');
  const variables = page.templating.list.map((variable) => variable.name);
  for (const name of ['datasource', 'job', 'cluster', 'node']) {
    if (!variables.includes(name)) say(`no variable ${name}`);
  }
  for (const variable of page.templating.list.filter(({type}) => type === 'query')) {
    if (variable.datasource?.uid !== '${datasource}') say(`variable ${variable.name}: not the chosen data source`);
    const asked = /^label_values\((\w+)/.exec(String((variable.query as {query?: unknown} | null)?.query))?.[1] ?? '';
    if (!documented.has(asked)) say(`variable ${variable.name}: no such metric: ${asked}`);
    if (variable.refresh !== 2) say(`variable ${variable.name}: new nodes do not turn up`);
  }
  const marks = page.annotations.list.filter((mark) => mark.expr);
  if (marks.length < 2) say('boots or actions are not marked');
  for (const mark of marks) {
    if (mark.datasource?.uid !== '${datasource}') say(`mark '${mark.name}': not the chosen data source`);
    checkQuery((what) => say(`mark '${mark.name}': ${what}`), mark.expr ?? '');
    if (mark.target?.expr !== mark.expr) say(`mark '${mark.name}': newer Grafana asks something else`);
  }
  checkLayout(say, page.panels);
}

/** What is wrong with a dashboard. */
export function breaches(page: Dashboard): string[] {
  const found: string[] = [];
  checkDashboard((what) => found.push(what), page);
  for (const panel of page.panels.filter(({type}) => type !== 'row')) {
    checkPanel((what) => found.push(`'${panel.title}': ${what}`), panel);
  }
  return found;
}
