// What all dashboards share: one look, one way to choose nodes, one layout of 24 columns.
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

export const SOURCE = {type: 'prometheus', uid: '${datasource}'};
const NODES = 'job=~"$job", cluster=~"$cluster", instance=~"$node"';

/** A metric of the chosen nodes: of('upkeep_vm_up', 'vm="web1"'). */
export const of = (metric: string, ...matchers: string[]): string =>
  `${metric}{${[NODES, ...matchers].join(', ')}}`;

/** Number of series, 0 when there are none. Not where "unknown" must stay visible. */
export const countOf = (expr: string): string => `count(${expr}) or vector(0)`;

export type Query = {expr: string; legend?: string};
export type Steps = [from: number | null, color: string][];
type AnyPanel = stat.PanelBuilder | statetimeline.PanelBuilder | table.PanelBuilder | timeseries.PanelBuilder;

type Text = {title: string; says: string; width: number; height?: number};

const REFS = 'ABCDEFGH';

function targets(queries: Query[], instant: boolean, format?: prometheus.PromQueryFormat) {
  return queries.map(({expr, legend}, index) => {
    const query = new prometheus.DataqueryBuilder()
      .refId(REFS[index]).expr(expr).datasource(SOURCE).legendFormat(legend ?? '')
      .editorMode(prometheus.QueryEditorMode.Code);
    if (format) query.format(format);
    return instant ? query.instant() : query.range();
  });
}

const steps = (list: Steps) => new dashboard.ThresholdsConfigBuilder()
  .mode(dashboard.ThresholdsMode.Absolute)
  .steps(list.map(([value, color]) => ({value, color})));

function described<T extends AnyPanel>(panel: T, text: Text): T {
  panel.title(text.title).description(text.says).datasource(SOURCE).span(text.width).height(text.height ?? 8);
  return panel;
}

export const GOOD: Steps = [[null, 'green']];
export const bad = (from = 1): Steps => [[null, 'green'], [from, 'red']];
export const warn = (from = 1): Steps => [[null, 'green'], [from, 'orange']];

/** One number, calm while all is well. */
export function number(text: Text & {query: string; unit?: string; colors?: Steps; decimals?: number;
  none?: string; links?: dashboard.DashboardLinkBuilder[]}): stat.PanelBuilder {
  const panel = described(new stat.PanelBuilder(), {height: 4, ...text})
    .targets(targets([{expr: text.query}], true))
    .unit(text.unit ?? 'short').thresholds(steps(text.colors ?? GOOD))
    .colorMode(common.BigValueColorMode.Value).graphMode(common.BigValueGraphMode.None)
    .textMode(common.BigValueTextMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false).fields(''))
    .noValue(text.none ?? 'not known');
  if (text.decimals !== undefined) panel.decimals(text.decimals);
  if (text.links) panel.links(text.links);
  return panel;
}

/** A number for each series of a query, with its legend. */
export const numbers = ({query, ...text}: Text & {query: Query; unit: string; none: string}): stat.PanelBuilder =>
  number({...text, query: query.expr}).targets(targets([query], true)).textMode(common.BigValueTextMode.ValueAndName);

/** Lines over time. */
export function lines(text: Text & {queries: Query[]; unit: string; min?: number; max?: number}): timeseries.PanelBuilder {
  const panel = described(new timeseries.PanelBuilder(), text)
    .targets(targets(text.queries, false)).unit(text.unit)
    .drawStyle(common.GraphDrawStyle.Line).lineWidth(1).fillOpacity(8)
    .showPoints(common.VisibilityMode.Never).spanNulls(false)
    .legend(new common.VizLegendOptionsBuilder().displayMode(common.LegendDisplayMode.List)
      .placement(common.LegendPlacement.Bottom).showLegend(true).calcs([]))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending));
  if (text.min !== undefined) panel.min(text.min);
  if (text.max !== undefined) panel.max(text.max);
  return panel;
}

/** Stacked bars: what happened in each interval. */
export function bars(text: Text & {queries: Query[]; unit?: string}): timeseries.PanelBuilder {
  return lines({unit: 'short', min: 0, ...text}).drawStyle(common.GraphDrawStyle.Bars).fillOpacity(80).lineWidth(0)
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
}

export type Word = [text: string, color: string];

/** States over time; `words` says what 0, 1, 2 … mean. Gaps mean "not known". */
export function timeline(text: Text & {queries: Query[]; words: Word[]}): statetimeline.PanelBuilder {
  const options: Record<string, dashboard.ValueMappingResult> = {};
  text.words.forEach(([word, color], value) => {
    options[String(value)] = {text: word, color, index: value};
  });
  return described(new statetimeline.PanelBuilder(), text)
    .targets(targets(text.queries, false)).unit('short').thresholds(steps([[null, 'text']]))
    .mappings([{type: dashboard.MappingType.ValueToText, options}])
    .showValue(common.VisibilityMode.Never).mergeValues(true).rowHeight(0.8).fillOpacity(80).lineWidth(0)
    .legend(new common.VizLegendOptionsBuilder().displayMode(common.LegendDisplayMode.List)
      .placement(common.LegendPlacement.Bottom).showLegend(true).calcs([]))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Single).sort(common.SortOrder.None));
}

/** A state set over time; `words` says how each of its states is shown. One that is not among them, such
 * as a moment between two, is shown as just that and never as one of them. */
export function states({metric, by, label, legend, words, ...text}: Text & {metric: string; by: string; label: string;
  legend: string; words: Record<string, Word>}): statetimeline.PanelBuilder {
  const expr = Object.keys(words).map((state, index) =>
    `${index + 1} * max by (${by}) (${of(metric, `${label}="${state}"`)})`).join(' + ');
  return timeline({...text, queries: [{expr, legend}], words: [['another state', 'light-yellow'], ...Object.values(words)]});
}

/** A table of instant values; `columns` names the labels to show, in order, and what to call them. */
export function rows(text: Text & {queries: Query[]; columns: Record<string, string>; unit?: string; empty: string;
  links?: Record<string, {title: string; url: string}>}): table.PanelBuilder {
  const shown = Object.keys(text.columns);
  const panel = described(new table.PanelBuilder(), text)
    .targets(targets(text.queries, true, prometheus.PromQueryFormat.Table))
    .unit(text.unit ?? 'short').noValue(text.empty)
    .transformations([
      {id: 'merge', options: {}},
      {id: 'filterFieldsByName', options: {include: {names: shown}}},
      {id: 'organize', options: {
        indexByName: Object.fromEntries(shown.map((name, index) => [name, index])),
        renameByName: text.columns}},
    ])
    .cellHeight(common.TableCellHeight.Sm).showHeader(true).filterable(false);
  for (const [column, {title, url}] of Object.entries(text.links ?? {})) {
    panel.overrideByName(text.columns[column], [{id: 'links', value: [{title, url, targetBlank: true}]}]);
  }
  return panel;
}

export const row = (title: string): dashboard.RowBuilder => new dashboard.RowBuilder(title);

function choice(name: string, label: string, query: string, options: {multi: boolean; all: string}) {
  const variable = new dashboard.QueryVariableBuilder(name).label(label).datasource(SOURCE)
    .query({query, refId: name}).refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc).multi(options.multi);
  return options.multi
    ? variable.includeAll(true).allValue(options.all).current({text: ['All'], value: ['$__all']})
    : variable;
}

/** Where an alert's runbook is; the variable "runbooks" says where they are kept. */
export const runbook = (alert: string): dashboard.DashboardLinkBuilder =>
  new dashboard.DashboardLinkBuilder(`Runbook: ${alert}`).type(dashboard.DashboardLinkType.Link)
    .url(`\${runbooks}/${alert}.md`).targetBlank(true);

/** Another of our dashboards, with the nodes and the time chosen here. */
export const to = (uid: string, title: string): dashboard.DashboardLinkBuilder =>
  new dashboard.DashboardLinkBuilder(title).type(dashboard.DashboardLinkType.Link)
    .url(`/d/${uid}?\${__url_time_range}&\${datasource:queryparam}&\${job:queryparam}&\${cluster:queryparam}`);

// The value is the time: the mark is where it happened, not where it was first scraped.
const annotation = (name: string, color: string, expr: string, title: string) =>
  new dashboard.AnnotationQueryBuilder().name(name).datasource(SOURCE).enable(true).hide(false)
    .iconColor(color).expr(expr).titleFormat(title).textFormat('').tagKeys('').step('').useValueForTime(true)
    .target(new prometheus.DataqueryBuilder().refId('Anno').expr(expr).datasource(SOURCE));

/** An empty dashboard with what all of them have. `oneNode`: shows a single node. */
export function page(uid: string, title: string, says: string, options: {oneNode?: boolean; from?: string} = {}) {
  const ours = 'upkeep_build_info';
  return new dashboard.DashboardBuilder(title).uid(uid).description(says).tags(['upkeep'])
    .readonly().timezone('browser').refresh('30s').time({from: options.from ?? 'now-6h', to: 'now'})
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .variables([
      new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
      choice('job', 'Job', `label_values(${ours}, job)`, {multi: true, all: '.+'}),
      // Nodes without the label belong to the cluster "", hence * and not +.
      choice('cluster', 'Cluster', `label_values(${ours}{job=~"$job"}, cluster)`, {multi: true, all: '.*'}),
      choice('node', 'Node', `label_values(${ours}{job=~"$job", cluster=~"$cluster"}, instance)`,
        {multi: !options.oneNode, all: '.+'}),
      // The package puts them on each node; a web server of yours is handier.
      new dashboard.TextBoxVariableBuilder('runbooks').label('Runbooks')
        .defaultValue('file:///usr/share/doc/upkeep/alerts'),
    ])
    .links([
      new dashboard.DashboardLinkBuilder('upkeep').type(dashboard.DashboardLinkType.Dashboards).tags(['upkeep'])
        .asDropdown(false).includeVars(true).keepTime(true),
    ])
    .annotations([
      annotation('Node boots', 'purple', `${of('upkeep_node_boot_time_seconds')} * 1000`, '{{instance}} booted'),
      annotation('Actions', 'blue', `${of('upkeep_remediation_last_action_timestamp_seconds')} * 1000`,
        '{{action}} on {{instance}}'),
    ]);
}
