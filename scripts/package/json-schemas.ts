/** JSON schemas of every file that people write, for editors: made from what reads them. Pure. */
import { z } from 'zod';
import { zoneSchema } from '../../src/directories/static/zone-file.ts';
import { policyFileSchema } from '../../src/policy/policy-file.ts';
import { schemaText, settingsJsonSchema } from './settings-reference.ts';

/** By the name of the file without `.schema.json`. What the readers' own code judges beyond them is told by `check`. */
export function jsonSchemas(settingsExample: string): Record<'settings' | 'policy' | 'zone', string> {
  return {
    settings: settingsJsonSchema(settingsExample),
    policy: schemaOf('/etc/edera/policy.d/*.toml', policyFileSchema),
    zone: schemaOf('zones.d/LINK.toml', zoneSchema),
  };
}

function schemaOf(title: string, schema: z.ZodType): string {
  return schemaText(title, z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
}
