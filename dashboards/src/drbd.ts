// Is everything replicated, is each copy good, and does a resync get on?
import {bad, bars, countOf, lines, number, of, page, row, rows, runbook, states, warn, type Word} from './parts.js';

const links = 'job, cluster, instance, resource, peer';
const volumes = `${links}, volume`;
const disk: Record<string, Word> = {Diskless: ['Diskless', 'red'], Failed: ['Failed', 'dark-red'], Inconsistent: ['Inconsistent', 'orange'],
  Outdated: ['Outdated', 'yellow'], Consistent: ['Consistent', 'light-blue'], UpToDate: ['UpToDate', 'green'],
  DUnknown: ['peer not heard', 'text'], unknown: ['not known', 'purple']};

export const drbd = page('upkeep-drbd', 'upkeep / DRBD', 'Replication: links, copies, resyncs, and split brains.')
  .withRow(row('Now'))
  .withPanel(number({title: 'Split brain', width: 4, colors: bad(), query: countOf(`${of('upkeep_drbd_split_brain')} == 1`),
    says: 'Resources with evidence that their copies diverged. A person must say whose writes to keep.', links: [runbook('UpkeepDrbdSplitBrain')]}))
  .withPanel(number({title: 'Links down', width: 4, colors: warn(), query: countOf(`${of('upkeep_drbd_connected')} == 0`),
    says: 'Connections that are not Connected: writes are on one node only.', links: [runbook('UpkeepDrbdDisconnected')]}))
  .withPanel(number({title: 'Copies not good', width: 4, colors: warn(),
    query: countOf(`${of('upkeep_drbd_device_state', 'state!~"UpToDate|unknown"')} == 1 ` +
      `unless on (job, cluster, instance, resource, volume) ${of('upkeep_drbd_device_client')} == 1`),
    says: 'Local disks that are not UpToDate. Clients are to have none and do not count.', links: [runbook('UpkeepDrbdDiskNotUpToDate')]}))
  .withPanel(number({title: 'I/O suspended', width: 4, colors: bad(), query: countOf(`${of('upkeep_drbd_suspended')} == 1`),
    says: 'Resources whose I/O is frozen; their VMs hang.', links: [runbook('UpkeepDrbdSuspended')]}))
  .withPanel(number({title: 'Out of sync', width: 4, unit: 'bytes', colors: warn(), query: `sum(${of('upkeep_drbd_out_of_sync_bytes')})`,
    says: 'Bytes in which copies differ or may differ, as seen by each node.', links: [runbook('UpkeepDrbdOutOfSync')]}))
  .withPanel(number({title: 'Resyncs', width: 4, query: countOf(`${of('upkeep_drbd_replication_state', 'state="SyncTarget"')} == 1`),
    says: 'Volumes that are being copied to just now.', links: [runbook('UpkeepDrbdResyncStalled')]}))

  .withRow(row('Links and copies'))
  .withPanel(states({title: 'Connections', width: 24, height: 8,
    says: 'State of each connection. Connecting: the peer is not heard. StandAlone: nobody tries.',
    metric: 'upkeep_drbd_connection_state', by: links, label: 'state', legend: '{{resource}} → {{peer}} · {{instance}}',
    words: {StandAlone: ['StandAlone', 'red'], Connecting: ['Connecting', 'orange'], Connected: ['Connected', 'green'],
      unknown: ['not known', 'purple']}}))
  .withPanel(states({title: 'Local disks', width: 12, height: 8, says: 'State of the copy on each node.', words: disk,
    metric: 'upkeep_drbd_device_state', by: 'job, cluster, instance, resource, volume, device', label: 'state',
    legend: '{{resource}}/{{volume}} · {{instance}}'}))
  .withPanel(states({title: 'Peers’ disks', width: 12, height: 8, says: 'State of the copy at the peer, as this node knows it.', words: disk,
    metric: 'upkeep_drbd_peer_device_state', by: volumes, label: 'state',
    legend: '{{resource}}/{{volume}} at {{peer}} · {{instance}}'}))
  .withPanel(states({title: 'Roles', width: 12, height: 8, says: 'On which node each resource is open for writing.',
    metric: 'upkeep_drbd_resource_role', by: 'job, cluster, instance, resource', label: 'role', legend: '{{resource}} · {{instance}}',
    words: {Secondary: ['Secondary', 'light-blue'], Primary: ['Primary', 'blue'], unknown: ['not known', 'purple']}}))
  .withPanel(rows({title: 'Configured and not up', width: 12, height: 8, empty: 'All configured resources are up',
    says: 'Resources in the configuration that the kernel does not know. upkeep brings up what was never up in this boot.',
    queries: [{expr: `${of('upkeep_drbd_resource_configured')} == 1 unless on (job, cluster, instance, resource) ${of('upkeep_drbd_resource_role')}`}],
    columns: {resource: 'Resource', instance: 'Node', cluster: 'Cluster'}}))

  .withRow(row('Resync'))
  .withPanel(lines({title: 'Out of sync', width: 12, unit: 'bytes', min: 0, says: 'Bytes in which the copies differ or may differ.',
    queries: [{expr: of('upkeep_drbd_out_of_sync_bytes'), legend: '{{resource}}/{{volume}} → {{peer}} · {{instance}}'}]}))
  .withPanel(lines({title: 'Done', width: 6, unit: 'percentunit', min: 0, max: 1, says: 'Share of a running resync or verify that is done.',
    queries: [{expr: of('upkeep_drbd_resync_done_ratio'), legend: '{{resource}}/{{volume}} · {{instance}}'}]}))
  .withPanel(lines({title: 'Speed', width: 6, unit: 'Bps', min: 0, says: 'How fast a running resync or verify gets on.',
    queries: [{expr: of('upkeep_drbd_resync_speed_bytes'), legend: '{{resource}}/{{volume}} · {{instance}}'}]}))

  .withRow(row('Traffic'))
  .withPanel(bars({title: 'Changes of links', width: 8, says: 'Changes of connection states in each interval.',
    queries: [{expr: `sum by (to) (increase(${of('upkeep_drbd_connection_transitions_total')}[$__rate_interval])) > 0`, legend: '{{to}}'}]}))
  .withPanel(lines({title: 'Local disks', width: 8, unit: 'Bps', says: 'Bytes read from (below the line) and written to the local disks each second.',
    queries: [{expr: `sum by (instance, resource) (rate(${of('upkeep_drbd_device_written_bytes_total')}[$__rate_interval]))`, legend: '{{resource}} written · {{instance}}'},
      {expr: `-sum by (instance, resource) (rate(${of('upkeep_drbd_device_read_bytes_total')}[$__rate_interval]))`, legend: '{{resource}} read · {{instance}}'}]}))
  .withPanel(lines({title: 'Replication', width: 8, unit: 'Bps', says: 'Bytes sent to and received from (below the line) peers each second.',
    queries: [{expr: `sum by (instance, resource) (rate(${of('upkeep_drbd_peer_sent_bytes_total')}[$__rate_interval]))`, legend: '{{resource}} sent · {{instance}}'},
      {expr: `-sum by (instance, resource) (rate(${of('upkeep_drbd_peer_received_bytes_total')}[$__rate_interval]))`, legend: '{{resource}} received · {{instance}}'}]}))
  .withPanel(rows({title: 'Kernel modules', width: 24, height: 4, empty: 'DRBD is not loaded anywhere',
    says: 'Version of the DRBD module on each node. A demo says that it is simulated.',
    queries: [{expr: of('upkeep_drbd_kernel_info')}], columns: {instance: 'Node', version: 'Version'}}));
