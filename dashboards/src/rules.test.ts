// Each rule can fail: a dashboard of ours that is broken in one way, and all that is said about it.
import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {breaches, type Dashboard, folder, type Panel} from './rules.js';

type Break = (page: Dashboard) => void;

const load = (name: string): Dashboard => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Dashboard;

/** The only one for which `right` holds, so that a break never silently misses. */
function only<T>(all: T[], right: (one: T) => boolean): T {
  const found = all.filter(right);
  assert.equal(found.length, 1);
  return found[0];
}
const panel = (page: Dashboard, title: string): Panel => only(page.panels, (one) => one.title === title);
const variable = (page: Dashboard, name: string) => only(page.templating.list, (one) => one.name === name);
const boots = (page: Dashboard) => only(page.annotations.list, (one) => one.name === 'Node boots');

const NODES = 'job=~"$job", cluster=~"$cluster", instance=~"$node"';
const of = (title: string, change: (panel: Panel) => void): Break => (page) => change(panel(page, title));
/** The query of 'Running' is another. */
const asking = (expr: string): Break => of('Running', (one) => {
  one.targets![0].expr = expr;
});
const replacing = (from: string, to: string): Break => of('Running', (one) => {
  assert.ok(one.targets![0].expr.includes(from));
  one.targets![0].expr = one.targets![0].expr.replace(from, to);
});
/** The query of 'Actions', which has a legend, is another. */
const charting = (change: (target: NonNullable<Panel['targets']>[number]) => void): Break =>
  of('Actions', (one) => change(one.targets![0]));
const link = (change: (link: Dashboard['links'][number]) => void): Break => (page) => change(page.links[0]);
const without = (name: string): Break => (page) => {
  page.templating.list.splice(page.templating.list.indexOf(variable(page, name)), 1);
};

const cases: [broken: string, how: Break, said: string[]][] = [
  ['a variable of Grafana that nothing fills in', replacing('vm_up{', 'vm_up{vm="$vm", '),
    [`'Running': a variable nobody fills in: sum(upkeep_vm_up{vm="$vm", ${NODES.replaceAll(/\$\w+/g, 'CHOSEN')}})`]],
  ['a query that is no PromQL', asking('sum(vector(1)) +'),
    [`'Running': does not parse at 16: sum(vector(1)) +`]],
  ['a window of its own', asking(`sum(rate(upkeep_journal_errors_total{${NODES}}[5m]))`),
    [`'Running': a fixed window: [5m]`]],
  ['a subquery with a window of its own', asking(`max_over_time(upkeep_vm_up{${NODES}}[1h:])`),
    [`'Running': a fixed window: [1h:]`]],
  ['a subquery with steps of its own', asking(`max_over_time(upkeep_vm_up{${NODES}}[$__range:1m])`),
    [`'Running': a fixed window: [$__range:1m]`]],
  ['a metric that upkeep has not', replacing('upkeep_vm_up', 'upkeep_vm_upp'), [`'Running': no such metric: upkeep_vm_upp`]],
  ['a histogram that upkeep has not', replacing('upkeep_vm_up', 'upkeep_vm_upp_bucket'),
    [`'Running': no such metric: upkeep_vm_upp_bucket`]],
  ['any job', replacing('job=~"$job", ', ''), [`'Running': upkeep_vm_up is not restricted by job`]],
  ['any cluster', replacing('cluster=~"$cluster", ', ''), [`'Running': upkeep_vm_up is not restricted by cluster`]],
  ['any node', replacing(', instance=~"$node"', ''), [`'Running': upkeep_vm_up is not restricted by instance`]],
  ['no matcher at all', asking('sum(upkeep_vm_up)'), ['job', 'cluster', 'instance'].map((label) =>
    `'Running': upkeep_vm_up is not restricted by ${label}`)],
  ['a hard-coded job', replacing('job=~"$job"', 'job="upkeep"'), [`'Running': upkeep_vm_up has a job of its own`]],
  ['a hard-coded pattern of jobs', replacing('job=~"$job"', 'job=~"upkeep"'), [`'Running': upkeep_vm_up has a job of its own`]],
  ['every job but the chosen', replacing('job=~"$job"', 'job!~"$job"'), [`'Running': upkeep_vm_up has a job of its own`]],
  ['a hard-coded cluster', replacing('cluster=~"$cluster"', 'cluster="main"'),
    [`'Running': upkeep_vm_up has a cluster of its own`]],
  ['a hard-coded node', replacing('instance=~"$node"', 'instance="node1"'),
    [`'Running': upkeep_vm_up has a instance of its own`]],
  ['the second metric of a query', asking(`sum(upkeep_vm_up{${NODES}}) - sum(upkeep_vm_wanted)`),
    ['job', 'cluster', 'instance'].map((label) => `'Running': upkeep_vm_wanted is not restricted by ${label}`)],
  ['alerts of any cluster', asking('count(ALERTS{instance=~"$node|"})'), [`'Running': ALERTS is not restricted by cluster`]],
  ['alerts of any node', asking('count(ALERTS{cluster=~"$cluster"})'), [`'Running': ALERTS is not restricted by instance`]],

  ['a panel with a data source of its own', of('Running', (one) => { one.datasource = {uid: 'mine'}; }),
    [`'Running': not the chosen data source`]],
  ['a panel without a data source', of('Running', (one) => { delete one.datasource; }),
    [`'Running': not the chosen data source`]],
  ['a panel without a description', of('Running', (one) => { delete one.description; }),
    [`'Running': its description is missing or no sentence`]],
  ['a description that is no sentence', of('Running', (one) => { one.description = 'VMs that run'; }),
    [`'Running': its description is missing or no sentence`]],
  ['a panel without a unit', of('Running', (one) => { delete one.fieldConfig!.defaults.unit; }), [`'Running': no unit`]],
  ['an empty unit', of('Running', (one) => { one.fieldConfig!.defaults.unit = ''; }), [`'Running': no unit`]],
  ['a panel without a query', of('Running', (one) => { delete one.targets; }), [`'Running': no query`]],
  ['an empty list of queries', of('Running', (one) => { one.targets = []; }), [`'Running': no query`]],
  ['a query with a data source of its own', of('Running', (one) => { one.targets![0].datasource = {uid: 'mine'}; }),
    [`'Running': query A: not the chosen data source`]],
  ['a query without a data source', of('Running', (one) => { delete one.targets![0].datasource; }),
    [`'Running': query A: not the chosen data source`]],
  ['a legend with a label that was summed away', charting((one) => { one.legendFormat = '{{action}} on {{instance}}'; }),
    [`'Actions': the legend shows instance, which the query drops`]],
  ['a legend with a label that a quantile drops', charting((one) => {
    one.expr = `histogram_quantile(0.9, sum by (action, le) (rate(upkeep_remediation_reaction_seconds_bucket{${NODES}}[$__rate_interval])))`;
    one.legendFormat = '{{vm}}';
  }), [`'Actions': the legend shows vm, which the query drops`]],
  ['a chart without a legend', charting((one) => { delete one.legendFormat; }), [`'Actions': no legend`]],
  ['a timeline without a legend', of('Nodes', (one) => { one.targets![0].legendFormat = ''; }), [`'Nodes': no legend`]],

  ['a panel that sticks out on the right', of('Nodes acting', (one) => { one.gridPos.w++; }),
    [`'Nodes acting' is too far to the right`]],
  ['a panel that covers a line of another', of('Wanted', (one) => { one.gridPos = {...one.gridPos, x: 2, w: 1, h: 1}; }),
    [`'Wanted' lies on 'Wanted and down'`]],
  ['two panels of one id', (page) => { panel(page, 'Running').id = panel(page, 'Wanted').id; }, ['two panels have the same id']],

  ['another uid', (page) => { page.uid = 'cluster'; }, ['uid cluster']],
  ['a uid that is too long for Grafana', (page) => { page.uid = `upkeep-${'x'.repeat(31)}`; }, [`uid upkeep-${'x'.repeat(31)}`]],
  ['an id', (page) => { page.id = 3; }, ['has an id: it can not be provisioned twice']],
  ['one that can be edited', (page) => { page.editable = true; }, ['is editable']],
  ['no tag', (page) => { page.tags = ['mine']; }, ['has no tag by which the others link to it']],
  ['no links', (page) => { page.links = []; }, ['does not link to the others']],
  ['links to other dashboards', link((one) => { one.tags = ['mine']; }), ['does not link to the others']],
  ['links that forget the chosen nodes', link((one) => { one.includeVars = false; }), ['does not link to the others']],
  ['links that forget the time', link((one) => { one.keepTime = false; }), ['does not link to the others']],
  ...['datasource', 'job', 'cluster', 'node'].map((name): [string, Break, string[]] =>
    [`no variable for the ${name}`, without(name), [`no variable ${name}`]]),
  ['a variable with a data source of its own', (page) => { variable(page, 'node').datasource = {uid: 'mine'}; },
    ['variable node: not the chosen data source']],
  ['a variable by a metric that upkeep has not', (page) => { variable(page, 'node').query = {query: 'label_values(upkeep_built, instance)'}; },
    ['variable node: no such metric: upkeep_built']],
  ['a variable by no metric', (page) => { variable(page, 'node').query = 'instance'; }, ['variable node: no such metric: ']],
  ['a variable that is asked for once', (page) => { variable(page, 'node').refresh = 1; },
    ['variable node: new nodes do not turn up']],
  ['no marks of boots', (page) => { page.annotations.list = page.annotations.list.filter((one) => one !== boots(page)); },
    ['boots or actions are not marked']],
  ['a mark with a data source of its own', (page) => { boots(page).datasource = {uid: 'mine'}; },
    [`mark 'Node boots': not the chosen data source`]],
  ['a mark by a metric that upkeep has not', (page) => {
    boots(page).expr = boots(page).target!.expr = `upkeep_boots{${NODES}}`;
  }, [`mark 'Node boots': no such metric: upkeep_boots`]],
  ['a mark that newer Grafana asks differently', (page) => { boots(page).target!.expr = 'vector(1)'; },
    [`mark 'Node boots': newer Grafana asks something else`]],
  ['a mark that newer Grafana does not know', (page) => { delete boots(page).target; },
    [`mark 'Node boots': newer Grafana asks something else`]],
];

for (const name of readdirSync(folder).filter((file) => file.endsWith('.json')).map((file) => file.replace('.json', ''))) {
  test(`${name} is well`, () => assert.deepEqual(breaches(load(name)), []));
}

for (const [broken, how, said] of cases) {
  test(broken, () => {
    const page = load('cluster');
    how(page);
    assert.deepEqual(breaches(page), said);
  });
}

test('every rule is broken by a case', () => {
  const text = readFileSync(join(folder, 'src', 'rules.ts'), 'utf8');
  const rules = [...text.matchAll(/\bsay\((['`])(.*?)\1\)/g)].map(([, , message]) => message);
  // A call that this pattern misses would be a rule without a test.
  assert.equal(rules.length, text.match(/\bsay\((?!what\b)/g)?.length);
  assert.ok(rules.length > 25);
  const messages = cases.flatMap(([, , said]) => said);
  for (const rule of rules) {
    const like = new RegExp(rule.split(/\$\{[^}]*\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*') + '$');
    assert.ok(messages.some((message) => like.test(message)), `no case breaks '${rule}'`);
  }
});
