/** Every command. */
import type { Command } from '../command.ts';
import { capture } from './capture.ts';
import { check } from './check.ts';
import { cleanup } from './cleanup.ts';
import { complete } from './complete.ts';
import { dns } from './dns.ts';
import { doctor } from './doctor.ts';
import { drops } from './drops.ts';
import { explain } from './explain.ts';
import { flows } from './flows.ts';
import { logs } from './logs.ts';
import { plan } from './plan.ts';
import { policyShow } from './policy-show.ts';
import { policySuggest } from './policy-suggest.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { status } from './status.ts';
import { top } from './top.ts';
import { zoneList } from './zone-list.ts';
import { zoneSet } from './zone-set.ts';
import { zoneShow } from './zone-show.ts';
import { zoneUnset } from './zone-unset.ts';

/** In the order in which help lists them. */
export const commands: readonly Command[] = [
  run,
  dns,
  status,
  top,
  flows,
  drops,
  explain,
  doctor,
  logs,
  capture,
  plan,
  check,
  policyShow,
  policySuggest,
  zoneShow,
  zoneSet,
  zoneUnset,
  zoneList,
  report,
  cleanup,
];

export const allCommands: readonly Command[] = [...commands, complete];
