// Is everything that should run up? What is broken? What did upkeep do, and how long did it take?
import {bad, bars, countOf, GOOD, lines, number, numbers, of, page, row, rows, runbook, timeline, to, warn} from './parts.js';

const down = `max by (job, cluster, instance, vm) (${of('upkeep_vm_state', 'state=~"shut_off|crashed"')}) == 1 ` +
  `and on (job, cluster, instance, vm) ${of('upkeep_vm_wanted')} == 1`;
/** Seconds that an average VM outage spent in each phase, of those that ended in an interval. */
const phases = `sum by (phase) (increase(${of('upkeep_outage_phase_seconds_sum', 'kind="vm"')}[$__rate_interval])) / on () group_left () ` +
  `(sum(increase(${of('upkeep_outage_duration_seconds_count', 'kind="vm"')}[$__rate_interval])) > 0)`;

export const cluster = page('upkeep-cluster', 'upkeep / Cluster',
  'Are all wanted VMs up, what is broken, and what did upkeep do about it?')
  .withRow(row('Now'))
  .withPanel(number({title: 'Wanted and down', width: 3, colors: bad(), query: countOf(down),
    says: 'VMs that should run and are shut off or crashed. Paused ones and those whose state is not known do not count.',
    links: [runbook('UpkeepVmDown')]}))
  .withPanel(number({title: 'Wanted', width: 3, query: `sum(${of('upkeep_vm_wanted')})`,
    says: 'VMs that are to run, by mark, configuration, or because they ran until they died.'}))
  .withPanel(number({title: 'Running', width: 3, query: `sum(${of('upkeep_vm_up')})`,
    says: 'VMs that run just now, wanted or not. What libvirt does not tell is not counted.'}))
  .withPanel(number({title: 'Nodes silent', width: 3, colors: bad(), query: countOf(`${of('up')} == 0`),
    says: 'Nodes whose upkeep does not answer Prometheus: down, cut off, or upkeep is not running there.',
    links: [runbook('UpkeepExporterDown')]}))
  .withPanel(number({title: 'Sources unreadable', width: 3, colors: bad(), query: countOf(`${of('upkeep_source_up')} == 0`),
    says: 'What upkeep can not read (libvirt, DRBD, the node). What it can not see it neither reports as down nor touches.',
    links: [runbook('UpkeepSourceDown')]}))
  .withPanel(number({title: 'DRBD links down', width: 3, colors: warn(), query: countOf(`${of('upkeep_drbd_connected')} == 0`),
    says: 'Connections of DRBD resources that are not Connected: writes are on one node only.',
    links: [to('upkeep-drbd', 'DRBD'), runbook('UpkeepDrbdDisconnected')]}))
  .withPanel(number({title: 'Latched', width: 3, colors: bad(), query: countOf(`${of('upkeep_remediation_latched')} == 1`),
    says: 'VMs and resources that upkeep tried to mend as often as it may, in vain. A person must look.',
    links: [to('upkeep-remediation', 'Remediation'), runbook('UpkeepLatched')]}))
  .withPanel(number({title: 'Nodes acting', width: 3, colors: GOOD, query: `sum(${of('upkeep_mode', 'mode="act"')})`,
    says: 'Nodes whose upkeep is in mode act. The others only watch, or say what they would do.'}))

  .withRow(row('Broken'))
  .withPanel(rows({title: 'Firing alerts', width: 12, height: 7, empty: 'No alert fires',
    says: 'Alerts of upkeep that fire now. The name leads to the runbook.',
    queries: [{expr: 'ALERTS{alertname=~"Upkeep.+", alertname!="UpkeepWatchdog", alertstate="firing", cluster=~"$cluster", instance=~"$node|"}'}],
    columns: {alertname: 'Alert', severity: 'Severity', instance: 'Node', vm: 'VM', resource: 'Resource', target: 'Target'},
    links: {alertname: {title: 'Runbook', url: '${runbooks}/${__value.raw}.md'}}}))
  .withPanel(rows({title: 'VMs that should run and do not', width: 12, height: 7, empty: 'All wanted VMs are up',
    says: 'VMs that should run and are off. `upkeep why vm/NAME` on the node says why.', queries: [{expr: down}],
    columns: {vm: 'VM', instance: 'Node', cluster: 'Cluster'},
    links: {instance: {title: 'The node', url: '/d/upkeep-node?var-node=${__value.raw}&${__url_time_range}'}}}))

  .withRow(row('VMs and nodes'))
  .withPanel(timeline({title: 'VMs', width: 24, height: 11,
    says: 'Whether each VM that is to run does so. A gap: libvirt could not be read, or the VM is not defined there.',
    queries: [{expr: `${of('upkeep_vm_up')} and on (job, cluster, instance, vm) ${of('upkeep_vm_wanted')} == 1`, legend: '{{vm}} · {{instance}}'}],
    words: [['not running', 'red'], ['running', 'green']]}))
  .withPanel(timeline({title: 'Nodes', width: 12, height: 6,
    says: 'Whether each node’s upkeep answers Prometheus.',
    queries: [{expr: of('up'), legend: '{{instance}}'}], words: [['silent', 'red'], ['answers', 'green']]}))
  .withPanel(rows({title: 'Boots', width: 12, height: 6, empty: 'No node answers', unit: 'dateTimeFromNow',
    says: 'When each node booted, and how the boot before it ended.',
    queries: [{expr: `${of('upkeep_node_boot_time_seconds')} * 1000 * on (job, cluster, instance) group_left (previous_shutdown) ${of('upkeep_node_boot_info')}`}],
    columns: {instance: 'Node', Value: 'Booted', previous_shutdown: 'Before that'},
    links: {instance: {title: 'The node', url: '/d/upkeep-node?var-node=${__value.raw}&${__url_time_range}'}}}))

  .withRow(row('What upkeep did'))
  .withPanel(bars({title: 'Actions', width: 12, says: 'Actions begun in each interval, on all nodes chosen.',
    queries: [{expr: `sum by (action) (increase(${of('upkeep_remediation_actions_total')}[$__rate_interval])) > 0`, legend: '{{action}}'}]}))
  .withPanel(bars({title: 'Held back, and why', width: 12,
    says: 'Problems about which upkeep newly decided to do nothing, by reason.',
    queries: [{expr: `sum by (reason) (increase(${of('upkeep_remediation_decisions_total', 'decision="hold"')}[$__rate_interval])) > 0`, legend: '{{reason}}'}]}))

  .withRow(row('Outages'))
  .withPanel(number({title: 'VM outages', width: 4, height: 8, decimals: 0,
    query: `sum(increase(${of('upkeep_outage_duration_seconds_count', 'kind="vm"')}[$__range]))`,
    says: 'Outages of VMs that ended within the time shown.'}))
  .withPanel(number({title: 'Half of them within', width: 4, height: 8, unit: 's', none: 'no outage',
    query: `histogram_quantile(0.5, sum by (le) (increase(${of('upkeep_outage_duration_seconds_bucket', 'kind="vm"')}[$__range]))) >= 0`,
    says: 'Median duration of the outages of VMs that ended within the time shown.'}))
  .withPanel(number({title: 'Nine in ten within', width: 4, height: 8, unit: 's', none: 'no outage',
    query: `histogram_quantile(0.9, sum by (le) (increase(${of('upkeep_outage_duration_seconds_bucket', 'kind="vm"')}[$__range]))) >= 0`,
    says: 'Nine of ten outages of VMs that ended within the time shown took no longer.'}))
  .withPanel(bars({title: 'Outages by phase', width: 12, height: 8, unit: 's',
    says: 'Where the time of an average VM outage went: seeing it, waiting for storage to be safe, for a slot, bringing up storage, starting, verifying.',
    queries: [{expr: phases, legend: '{{phase}}'}]}))
  // In steps of $__interval the windows overlap by a scrape at least: no outage ends between two of them.
  .withPanel(numbers({title: 'The last outage', width: 24, unit: 's', none: 'no outage',
    says: 'Where the time of the last VM outage went; an average, if several ended at once.',
    query: {expr: `last_over_time((${phases})[$__range:$__interval])`, legend: '{{phase}}'}}))
  .withPanel(lines({title: 'Wanted VMs down over time', width: 24, height: 6, unit: 'short', min: 0,
    says: 'How many VMs that should run did not, on each node.',
    queries: [{expr: `count by (instance) (${down})`, legend: '{{instance}}'}]}));
