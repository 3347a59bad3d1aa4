/** The settings file, key by key: what is accepted, what holds by default, and how it becomes `Settings`. */
import { z } from 'zod';
import { familyOf } from '../model/address.ts';
import { fleetMistakes } from './fleet.ts';
import type { Settings } from './settings.ts';
import {
  distantZones,
  interfaceName,
  listenAddress,
  mark,
  maxFilePath,
  maxSocketPath,
  path,
  prefix,
  resolver,
  sources,
  unique,
  unixTarget,
} from './settings-values.ts';

const maxListLength = 64;
const maxResolvers = 8;

/**
 * Where clouds serve instance credentials and configuration. Each can be reached from a zone through the host's uplink. No
 * zone has business with IPv4's link-local addresses (RFC 3927), so that whole prefix is among them.
 */
export const defaultMetadataAddresses: readonly string[] = [
  // 169.254.169.254: AWS, Azure, Google, Oracle, OpenStack, Akamai and most others; 169.254.170.2: AWS ECS task credentials;
  // 169.254.170.23: AWS EKS pod identity; 169.254.0.23: Tencent (metadata.tencentyun.com); 169.254.42.42: Scaleway.
  '169.254.0.0/16',
  'fd00:ec2::254', // AWS (EC2 user guide, "Access instance metadata")
  'fd00:ec2::23', // AWS EKS pod identity (EKS user guide, "Understand how EKS Pod Identity works")
  'fd20:ce::254', // Google (Compute Engine, "About VM metadata")
  'fd00:c1::a9fe:a9fe', // Oracle (OCI's SDK for Python, instance_principals_security_token_signer.py)
  'fd00:a9fe:a9fe::1', // Akamai, formerly Linode (techdocs.akamai.com, "Metadata Service API"; cloud-init, "Akamai")
  'fe80::a9fe:a9fe', // OpenStack (Neutron's administration guide, "Metadata service")
  '168.63.129.16', // Azure WireServer; also Azure's resolver, which zones then cannot use
  '100.100.100.200', // Alibaba (ECS user guide, "Instance metadata")
  'fd00:100::100:200', // Alibaba (ECS; cloud-init, pull request 6893)
  '192.0.0.192', // Oracle Cloud Classic
  'fd00:42::42', // Scaleway
];

const verdict = z.enum(['allow', 'deny'], { error: '"allow" or "deny"' });

const directories = z
  .array(z.enum(['control-api', 'xenstore', 'static'], { error: '"control-api", "xenstore" or "static"' }), {
    error: 'a list of zone directories',
  })
  .min(1, { error: 'at least one zone directory: with none, no zone could have an address' })
  .check(unique)
  .meta({ uniqueItems: true });

const onOrOff = z.boolean({ error: 'true or false' });
const prefixes = z
  .array(prefix, { error: 'a list of addresses and prefixes' })
  .max(maxListLength, { error: `at most ${maxListLength} of them` });

const interfaces = z
  .array(interfaceName, { error: 'a list of interface names' })
  .max(maxListLength, { error: `at most ${maxListLength} of them` })
  .check(unique)
  .meta({ uniqueItems: true });

const resyncRange = 'a whole number of seconds from 1 to 86400';
const resyncSeconds = z.int({ error: resyncRange }).min(1, { error: resyncRange }).max(86400, { error: resyncRange });

export const settingsSchema: z.ZodType<Settings> = table({
  zones: table({
    directories: directories.prefault(['control-api', 'xenstore', 'static']),
    'control-api': unixTarget.prefault('unix:///var/lib/edera/protect/daemon.socket'),
    xenstore: path(maxSocketPath, 'optional').prefault(''),
    'static-dir': path(maxFilePath).prefault('/var/lib/edera/protect/network/zones.d'),
  }).prefault({}),
  uplink: table({
    interfaces: interfaces.prefault([]),
    masquerade4: onOrOff.prefault(true),
    masquerade6: onOrOff.prefault(true),
    source: sources.prefault([]),
    'no-masquerade': prefixes.prefault([]),
  }).prefault({}),
  forward: table({
    placement: z.enum(['auto', 'first'], { error: '"auto" or "first"' }).prefault('auto'),
    mark: mark.prefault(0x10000000),
  }).prefault({}),
  isolation: table({
    'anti-spoof': onOrOff.prefault(true),
    'zone-to-zone': verdict.prefault('allow'),
    metadata: verdict.prefault('allow'),
    'metadata-addresses': prefixes.prefault([...defaultMetadataAddresses]),
    host: verdict.prefault('allow'),
  }).prefault({}),
  policy: table({
    dir: path(maxFilePath).prefault('/etc/edera/policy.d'),
    resolvers: z
      .array(resolver, { error: 'a list of addresses' })
      .max(maxResolvers, { error: `at most ${maxResolvers} of them` })
      .check(unique)
      .meta({ uniqueItems: true })
      .prefault([]),
  }).prefault({}),
  fleet: table({
    block: prefixes.prefault([]),
    prefixes: prefixes.prefault([]),
    uplinks: interfaces.prefault([]),
    zones: distantZones.prefault({}),
  })
    .check((context) => {
      // What is wrong by itself is not judged beside the rest.
      if (context.issues.length > 0) return;
      for (const { path: at, message } of fleetMistakes(context.value)) {
        context.issues.push({ code: 'custom', input: context.value, path: [...at], message });
      }
    })
    .prefault({}),
  reconcile: table({ 'resync-seconds': resyncSeconds.prefault(60) }).prefault({}),
  control: table({
    socket: path(maxSocketPath).prefault('/run/protect-network/control.sock'),
    'metrics-listen': listenAddress.prefault(''),
  }).prefault({}),
}).transform(
  (file): Settings => ({
    zones: {
      directories: file.zones.directories,
      controlApi: file.zones['control-api'],
      xenstore: file.zones.xenstore === '' ? undefined : file.zones.xenstore,
      staticDir: file.zones['static-dir'],
    },
    uplink: {
      interfaces: file.uplink.interfaces,
      masquerade4: file.uplink.masquerade4,
      masquerade6: file.uplink.masquerade6,
      source: {
        ipv4: file.uplink.source.find((address) => familyOf(address) === 'ipv4'),
        ipv6: file.uplink.source.find((address) => familyOf(address) === 'ipv6'),
      },
      noMasquerade: file.uplink['no-masquerade'],
    },
    forward: file.forward,
    isolation: {
      antiSpoof: file.isolation['anti-spoof'],
      zoneToZone: file.isolation['zone-to-zone'],
      metadata: file.isolation.metadata,
      metadataAddresses: file.isolation['metadata-addresses'],
      host: file.isolation.host,
    },
    policy: file.policy,
    fleet: file.fleet,
    reconcile: { resyncSeconds: file.reconcile['resync-seconds'] },
    control: { socket: file.control.socket, metricsListen: file.control['metrics-listen'] },
  }),
);

/** What holds where the settings file says nothing. */
export const defaultSettings: Settings = settingsSchema.parse({});

function table<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? 'a table' : undefined) });
}
