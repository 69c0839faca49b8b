// What upkeep does, does not do, and why; how long it takes; where it is at its end.
import {bad, bars, countOf, lines, number, of, page, row, rows, runbook, states, warn} from './parts.js';

const quantile = (q: number, metric: string, by: string, ...matchers: string[]): string =>
  `histogram_quantile(${q}, sum by (${by}, le) (rate(${of(`${metric}_bucket`, ...matchers)}[$__rate_interval])))`;
const grown = (metric: string, by: string, ...matchers: string[]): string =>
  `sum by (${by}) (increase(${of(metric, ...matchers)}[$__rate_interval])) > 0`;

export const remediation = page('upkeep-remediation', 'upkeep / Remediation',
  'What upkeep decides and does, what it holds back and why, and how long it takes.')
  .withRow(row('Now'))
  .withPanel(number({title: 'Latched', width: 3, colors: bad(), query: countOf(`${of('upkeep_remediation_latched')} == 1`),
    says: 'VMs and resources whose tries are used up.', links: [runbook('UpkeepLatched')]}))
  .withPanel(number({title: 'In flight', width: 3, query: `sum(${of('upkeep_remediation_inflight')})`,
    says: 'Actions that began and have not ended.', links: [runbook('UpkeepRemediationStuck')]}))
  .withPanel(number({title: 'Queued', width: 3, query: `sum(${of('upkeep_remediation_queue_length')})`,
    says: 'Actions that wait for a slot.'}))
  .withPanel(number({title: 'Budget left', width: 3, none: 'nothing exported', colors: [[null, 'red'], [1, 'orange'], [6, 'green']],
    query: `min(${of('upkeep_remediation_budget_remaining')})`,
    says: 'Actions that the most troubled node may still begin this hour.', links: [runbook('UpkeepBudgetExhausted')]}))
  .withPanel(number({title: 'Paused', width: 3, none: 'nothing exported', colors: warn(), query: `sum(${of('upkeep_remediation_paused')})`,
    says: 'Nodes, VMs and resources for which a person paused upkeep, and nodes in maintenance.', links: [runbook('UpkeepPausedTooLong')]}))
  .withPanel(number({title: 'Storms', width: 3, none: 'nothing exported', colors: bad(), query: `sum(${of('upkeep_remediation_storm_active')})`,
    says: 'Nodes on which too much failed at once for upkeep to go on.', links: [runbook('UpkeepStormHold')]}))
  .withPanel(number({title: 'Journal errors', width: 3, colors: bad(), query: `sum(increase(${of('upkeep_journal_errors_total')}[$__range]))`, decimals: 0,
    says: 'Writes to the journal that failed within the time shown. While they do, nothing is done.', links: [runbook('UpkeepJournalFailing')]}))
  .withPanel(number({title: 'Nodes not acting', width: 3, colors: warn(), query: `sum(${of('upkeep_mode', 'mode!="act"')})`,
    says: 'Nodes whose upkeep only watches (observe) or says what it would do (dry-run).'}))

  .withRow(row('Where it is at its end'))
  .withPanel(rows({title: 'Latched', width: 8, height: 7, empty: 'Nothing is latched',
    says: 'What a person must look at. `upkeep release TARGET` opens the latch.',
    queries: [{expr: `${of('upkeep_remediation_latched')} == 1`}], columns: {target: 'Target', instance: 'Node'}}))
  .withPanel(rows({title: 'Next tries', width: 8, height: 7, unit: 'dateTimeFromNow', empty: 'Nothing waits for its time',
    says: 'Problems whose next try is due at a certain time.',
    queries: [{expr: `sort(${of('upkeep_remediation_next_attempt_timestamp_seconds')} * 1000)`}],
    columns: {target: 'Target', instance: 'Node', Value: 'Next try'}}))
  .withPanel(rows({title: 'Held back most', width: 8, height: 7, empty: 'Nothing was held back',
    says: 'Reasons for doing nothing, by how often they came up within the time shown.',
    queries: [{expr: `topk(12, round(sum by (rule, reason) (increase(${of('upkeep_remediation_decisions_total', 'decision="hold"')}[$__range]))) > 0)`}],
    columns: {rule: 'Problem', reason: 'Held because', Value: 'Times'}}))

  .withRow(row('Decisions and actions'))
  .withPanel(bars({title: 'Decisions', width: 12, says: 'Decisions that changed, in each interval: do it, would do it (dry-run), hold.',
    queries: [{expr: grown('upkeep_remediation_decisions_total', 'rule, decision'), legend: '{{rule}}: {{decision}}'}]}))
  .withPanel(bars({title: 'Holds', width: 12, says: 'Decisions to do nothing, by reason.',
    queries: [{expr: grown('upkeep_remediation_decisions_total', 'rule, reason', 'decision="hold"'), legend: '{{rule}}: {{reason}}'}]}))
  .withPanel(bars({title: 'Actions', width: 12, says: 'Actions begun, by what first showed the problem.',
    queries: [{expr: grown('upkeep_remediation_actions_total', 'action, trigger'), legend: '{{action}} by {{trigger}}'}]}))
  .withPanel(bars({title: 'Failures', width: 12,
    says: 'Actions that did not succeed, by reason, and those that did and changed nothing.',
    queries: [{expr: grown('upkeep_remediation_action_failures_total', 'action, reason', 'reason!="ineffective"'), legend: '{{action}}: {{reason}}'},
      {expr: grown('upkeep_remediation_ineffective_total', 'action'), legend: '{{action}}: changed nothing'}]}))
  .withPanel(states({title: 'Mode', width: 24, height: 5, says: 'What each node’s upkeep may do.',
    metric: 'upkeep_mode', by: 'job, cluster, instance', label: 'mode', legend: '{{instance}}',
    words: {observe: ['observe', 'blue'], 'dry-run': ['dry-run', 'purple'], act: ['act', 'green']}}))

  .withRow(row('How long it takes'))
  .withPanel(lines({title: 'From event to command', width: 8, unit: 's', min: 0,
    says: 'From the event that showed a fault to the first command sent to mend it: half, and nine in ten, take no longer.',
    queries: [{expr: quantile(0.5, 'upkeep_remediation_reaction_seconds', 'action'), legend: '{{action}} half'},
      {expr: quantile(0.9, 'upkeep_remediation_reaction_seconds', 'action'), legend: '{{action}} nine in ten'}]}))
  .withPanel(lines({title: 'Actions take', width: 8, unit: 's', min: 0, says: 'Nine of ten actions end within this time.',
    queries: [{expr: quantile(0.9, 'upkeep_remediation_action_duration_seconds', 'action'), legend: '{{action}}'}]}))
  .withPanel(lines({title: 'Outages last', width: 8, unit: 's', min: 0, says: 'From the fault until the VM or resource is well: nine in ten take no longer.',
    queries: [{expr: quantile(0.9, 'upkeep_outage_duration_seconds', 'kind'), legend: '{{kind}}'}]}))
  .withPanel(bars({title: 'VM outages by phase', width: 12, unit: 's', says: 'Seconds of VM outages that ended in each interval, by what they were spent on.',
    queries: [{expr: grown('upkeep_outage_phase_seconds_sum', 'phase', 'kind="vm"'), legend: '{{phase}}'}]}))
  .withPanel(bars({title: 'DRBD outages by phase', width: 12, unit: 's', says: 'Seconds of DRBD outages that ended in each interval, by what they were spent on.',
    queries: [{expr: grown('upkeep_outage_phase_seconds_sum', 'phase', 'kind="resource"'), legend: '{{phase}}'}]}))

  .withRow(row('Recoveries and alerts'))
  .withPanel(lines({title: 'VMs in recovery', width: 12, unit: 'short', min: 0,
    says: 'While a node that lost its VMs is being brought back: how many are in which state.',
    queries: [{expr: `sum by (instance, state) (${of('upkeep_recovery_vms')})`, legend: '{{state}} · {{instance}}'}]}))
  .withPanel(bars({title: 'Alerts received', width: 12, says: 'Alerts that arrived at the webhook, by what became of them.',
    queries: [{expr: grown('upkeep_webhook_alerts_total', 'outcome'), legend: '{{outcome}}'}]}));
