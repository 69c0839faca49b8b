// One node: is it well, what do its VMs do and take, and does upkeep see everything?
import {bad, bars, countOf, lines, number, of, page, row, rows, runbook, states, timeline, to, warn, type Word} from './parts.js';

const words: Record<string, Word> = {shut_off: ['off', 'text'], running: ['running', 'green'], paused: ['paused', 'blue'],
  shutting_down: ['shutting down', 'light-blue'], crashed: ['crashed', 'red'], suspended: ['suspended', 'purple'],
  unknown: ['not known', 'yellow']};
const perVm = (metric: string): string => `sum by (vm) (rate(${of(metric)}[$__rate_interval]))`;

export const node = page('upkeep-node', 'upkeep / Node', 'One node: its VMs, its boots, and what upkeep sees of it.', {oneNode: true})
  .withRow(row('Now'))
  .withPanel(number({title: 'Wanted and down', width: 3, colors: bad(),
    query: countOf(`max by (job, cluster, instance, vm) (${of('upkeep_vm_state', 'state=~"shut_off|crashed"')}) == 1 and on (job, cluster, instance, vm) ${of('upkeep_vm_wanted')} == 1`),
    says: 'VMs that should run on this node and are shut off or crashed.', links: [runbook('UpkeepVmDown')]}))
  .withPanel(number({title: 'Running', width: 3, query: `sum(${of('upkeep_vm_up')})`, says: 'VMs that run on this node just now.'}))
  .withPanel(number({title: 'Paused', width: 3, colors: warn(), query: `sum(${of('upkeep_vm_state', 'state="paused"')})`,
    says: 'VMs that are paused, by a person, a job or a disk error.', links: [runbook('UpkeepVmPaused')]}))
  .withPanel(number({title: 'Monitors stuck', width: 3, colors: warn(), query: countOf(`${of('upkeep_vm_monitor_stuck')} == 1`),
    says: 'VMs whose QEMU has not answered libvirt for a minute.', links: [runbook('UpkeepVmMonitorStuck')]}))
  .withPanel(number({title: 'Latched', width: 3, colors: bad(), query: countOf(`${of('upkeep_remediation_latched')} == 1`),
    says: 'VMs and resources whose tries are used up.', links: [to('upkeep-remediation', 'Remediation'), runbook('UpkeepLatched')]}))
  .withPanel(number({title: 'Booted', width: 3, unit: 'dateTimeFromNow', query: `${of('upkeep_node_boot_time_seconds')} * 1000`,
    says: 'When the node booted.', links: [runbook('UpkeepNodeUncleanReboot')]}))
  .withPanel(number({title: 'Last downtime', width: 3, unit: 's', none: 'none on record', query: of('upkeep_node_last_downtime_seconds'),
    says: 'From the last sign of life of upkeep before this boot to the boot.'}))
  .withPanel(number({title: 'Boots after a crash', width: 3, colors: warn(), query: of('upkeep_node_boots_total', 'previous_shutdown="unclean"'),
    says: 'Boots on record that followed a power cut, panic or reset.', links: [runbook('UpkeepNodeBootLoop')]}))

  .withRow(row('VMs'))
  .withPanel(states({title: 'What each VM does', width: 24, height: 11, words,
    says: 'State of each VM as libvirt tells it. "Not known": libvirt could not be read.',
    metric: 'upkeep_vm_state', by: 'job, cluster, instance, vm', label: 'state', legend: '{{vm}}'}))
  .withPanel(bars({title: 'Changes of state', width: 12, says: 'Changes of state in each interval, by new state and libvirt’s reason.',
    queries: [{expr: `sum by (to, cause) (increase(${of('upkeep_vm_transitions_total')}[$__rate_interval])) > 0`, legend: '{{to}} ({{cause}})'}]}))
  .withPanel(rows({title: 'Last starts', width: 12, unit: 'dateTimeFromNow', empty: 'None seen by this upkeep',
    says: 'When upkeep last saw each VM start.', queries: [{expr: `sort_desc(${of('upkeep_vm_last_start_timestamp_seconds')} * 1000)`}],
    columns: {vm: 'VM', Value: 'Started'}}))

  .withRow(row('What they take'))
  .withPanel(lines({title: 'CPU', width: 12, unit: 'none', min: 0, says: 'CPU time that each VM uses, in cores.',
    queries: [{expr: perVm('upkeep_vm_cpu_seconds_total'), legend: '{{vm}}'}]}))
  .withPanel(lines({title: 'Memory', width: 12, unit: 'bytes', min: 0, says: 'Resident memory of each VM’s process on the node.',
    queries: [{expr: of('upkeep_vm_memory_rss_bytes'), legend: '{{vm}}'}]}))
  .withPanel(lines({title: 'Disks', width: 12, unit: 'Bps', says: 'Bytes that the VMs read (below the line) and write each second.',
    queries: [{expr: perVm('upkeep_vm_block_written_bytes_total'), legend: '{{vm}} writes'},
      {expr: `-${perVm('upkeep_vm_block_read_bytes_total')}`, legend: '{{vm}} reads'}]}))
  .withPanel(lines({title: 'Network', width: 12, unit: 'Bps', says: 'Bytes that the VMs send and receive (below the line) each second.',
    queries: [{expr: perVm('upkeep_vm_interface_sent_bytes_total'), legend: '{{vm}} sends'},
      {expr: `-${perVm('upkeep_vm_interface_received_bytes_total')}`, legend: '{{vm}} receives'}]}))

  .withRow(row('What upkeep sees, and takes'))
  .withPanel(timeline({title: 'Sources', width: 12, height: 6, says: 'Whether upkeep can read what it decides on.',
    queries: [{expr: of('upkeep_source_up'), legend: '{{source}}'}], words: [['unreadable', 'red'], ['read', 'green']]}))
  .withPanel(timeline({title: 'Peers', width: 12, height: 6, says: 'Whether the other nodes’ upkeeps answer this one.',
    queries: [{expr: of('upkeep_peer_up'), legend: '{{peer}}'}], words: [['silent', 'red'], ['answers', 'green']]}))
  .withPanel(lines({title: 'Reading takes', width: 8, unit: 's', min: 0, says: 'Nine of ten readings of a source take no longer.',
    queries: [{expr: `histogram_quantile(0.9, sum by (source, le) (rate(${of('upkeep_source_read_duration_seconds_bucket')}[$__rate_interval])))`, legend: '{{source}}'}]}))
  .withPanel(lines({title: 'upkeep’s CPU', width: 8, unit: 'percentunit', min: 0, says: 'Share of a core that upkeep itself uses.',
    queries: [{expr: `rate(${of('process_cpu_seconds_total')}[$__rate_interval])`, legend: '{{instance}}'}]}))
  .withPanel(lines({title: 'upkeep’s memory', width: 8, unit: 'bytes', min: 0, says: 'Resident memory of upkeep itself.',
    queries: [{expr: of('process_resident_memory_bytes'), legend: '{{instance}}'}]}));
