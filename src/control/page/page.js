// The page's script: asks the daemon for what it shows, while somebody looks.
// @ts-check
/** @import { Talk } from '../talk.ts' */
/** @import { WebView } from '../web-view.ts' */
import { showTalk } from './talk.js';
import { byId, made, readable, span, write } from './text.js';
import { choose, chosen, learn, nameOf, showTableHead, showZones, stateRanks } from './zones.js';

const viewEveryMs = 2000;
const talkEveryMs = 5000;

/** @type {WebView | undefined} */
let view;
/** @type {Talk | undefined} */
let talk;
/** @type {Date | undefined} */
let lostAt;

function showHead() {
  if (view === undefined) return;
  const { host, version, state, startedAt, uplinks, repairs, at, zones } = view;
  const states = stateRanks.flatMap((each) => {
    const many = zones.filter((zone) => zone.state === each).length;
    return many === 0 ? [] : [`${many} ${each}`];
  });
  const ways = uplinks.map(({ interface: name }) => name).join(', ');
  write(byId('host'), host);
  write(byId('state'), state);
  byId('state').className = `badge ${state}`;
  document.title = readable(`${host}: ${state} – protect-network`);
  write(
    byId('summary'),
    `${zones.length} zones${zones.length === 0 ? '' : `: ${states.join(', ')}`}. Uplinks: ${ways || 'none'}. ${repairs} repairs. Running for ${span(at - startedAt)}.`,
  );
  write(byId('version'), `protect-network ${version}.`);
}

function showTroubles() {
  const { causes = [], warnings = [] } = view ?? {};
  byId('troubles').hidden = causes.length + warnings.length === 0;
  const told = new Set(causes.map(({ what }) => what));
  const items = causes.map(({ what, why, fix }) => {
    const item = made('li', '');
    item.append(made('span', why === null ? what : `${what}: ${why}`, 'bad name'));
    if (fix !== null) item.append(' fix: ', made('code', fix));
    return item;
  });
  const others = warnings.filter((text) => ![...told].some((what) => text.startsWith(what)));
  byId('causes').replaceChildren(...items, ...others.map((text) => made('li', text, 'warning name')));
}

function showRepairs() {
  const { lastRepairs = [], at = 0 } = view ?? {};
  const items = lastRepairs.map((repair) => {
    const by = repair.culprits.length === 0 ? '' : `, changed by ${repair.culprits.join(', ')}`;
    const some = repair.what.length > 3 ? ' …' : '';
    return made(
      'li',
      `${span(at - repair.at)} ago, within ${repair.milliseconds} ms: ${repair.what.slice(0, 3).join(', ')}${some}${by}`,
      'name',
    );
  });
  byId('repairs').replaceChildren(...(items.length === 0 ? [made('li', 'Nothing so far.')] : items));
}

/** @param {string} [why] */
function showConnection(why) {
  const line = byId('connection');
  document.body.classList.toggle('stale', why !== undefined);
  line.classList.toggle('lost', why !== undefined);
  const time = (/** @type {Date} */ date) => date.toLocaleTimeString();
  if (why !== undefined) {
    lostAt ??= new Date();
    write(line, `Not reachable since ${time(lostAt)} (${why}). Trying again; what is shown is older.`);
    return;
  }
  lostAt = undefined;
  write(line, isPaused() ? `Paused at ${time(new Date(view?.at ?? 0))}.` : `As of ${time(new Date(view?.at ?? 0))}.`);
}

const isPaused = () => byId('pause').ariaPressed === 'true';

/** @param {string} path */
async function ask(path) {
  const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  return response.json();
}

/** Again and again while somebody looks at the page. @param {number} everyMs @param {() => Promise<void>} work */
async function again(everyMs, work) {
  for (;;) {
    if (!document.hidden && !isPaused()) await work();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

async function refresh() {
  try {
    view = /** @type {WebView} */ (await ask('/v1/view'));
  } catch (error) {
    const why = error instanceof TypeError ? 'no answer' : error instanceof Error ? error.message : String(error);
    return showConnection(why);
  }
  learn(view);
  showConnection();
  showHead();
  showTroubles();
  showZones();
  showRepairs();
}

async function refreshTalk() {
  try {
    talk = /** @type {Talk} */ (await ask('/v1/talk'));
  } catch {
    // What is shown stays; the line at the head tells of a daemon that is away.
    return;
  }
  showChosenTalk();
}

function showChosenTalk() {
  if (talk !== undefined) showTalk(talk, chosen === undefined ? undefined : { link: chosen, name: nameOf(chosen) });
}

byId('filter').addEventListener('input', showZones);
byId('pause').addEventListener('click', () => {
  byId('pause').ariaPressed = String(!isPaused());
  if (lostAt === undefined) showConnection();
});
byId('zones').addEventListener('click', ({ target }) => {
  const link = target instanceof HTMLElement ? target.dataset['link'] : undefined;
  if (link === undefined) return;
  choose(link);
  showZones();
  showChosenTalk();
});
showTableHead();
void again(viewEveryMs, refresh);
void again(talkEveryMs, refreshTalk);
