/** What goes on in a workspace, live: numbers, messages a day, who is here, the feed. */
import { api } from '../api/http.js';
import { html, useEffect, useRef, useState } from '../html.js';
import { Avatar, Failure, Loading, PresenceDot, useFetched } from '../parts/basics.js';
import { BarChart } from '../parts/chart.js';
import { Feed } from '../parts/feed.js';
import { Page, Section } from '../parts/page.js';
import { useStore } from '../store.js';

/** @import {Member} from '../types.js' */

const ACTIVE_MINUTES = 15;
const LOOK_AGAIN = 20_000;

/** @param {{w: number}} props */
export const DashboardPage = ({ w }) => {
  const workspace = useStore((state) => state.workspaces.find(({ id }) => id === w));
  /** @type {{data: {day: string, count: number}[] | undefined, error: string, reload: () => Promise<void>}} */
  const days = useDays(w);
  const active = useActive(w);
  const here = useHere(w);
  const channels = useStore(
    (state) =>
      Object.values(state.channels).filter((channel) => channel.workspace_id === w && !channel.is_archived).length,
  );
  const today = days.data?.[days.data.length - 1]?.count;
  const sum = days.data?.reduce((total, { count }) => total + count, 0);
  return html`<${Page} title="Dashboard" under=${html`<bdi>${workspace?.description || workspace?.name}</bdi>`} wide>
    <dl class="numbers">
      <${Figure} name="online now" value=${here.filter(({ presence }) => presence === 'online').length} live />
      <${Figure} name=${`active in ${ACTIVE_MINUTES} min`} value=${active} live />
      <${Figure} name="messages today" value=${today} live />
      <${Figure} name="channels" value=${channels} />
    </dl>
    <div class="board">
      <${Section} title="Messages a day" under=${sum === undefined ? '' : `${sum} in 14 days (of UTC)`}>
        ${days.error && html`<${Failure} message=${days.error} onRetry=${days.reload} />`}
        ${days.data ? html`<${BarChart} title="Messages a day, over 14 days" days=${days.data} />` : !days.error && html`<${Loading} />`}
      <//>
      <${Section} title="Who is here"><${Here} people=${here} workspaceId=${w} /><//>
      <${Section} title="Activity"><${Feed} workspaceId=${w} /><//>
    </div>
  <//>`;
};

/** A number that beats once when it changes. @param {{name: string, value: number | undefined, live?: boolean}} props */
const Figure = ({ name, value, live }) =>
  html`<div class="figure"><dt>${name}${live && html`<span class="live" title="live"></span>`}</dt><dd key=${value}>${value ?? '–'}</dd></div>`;

/** @param {number} w */
function useDays(w) {
  const newest = useStore((state) => state.activity[w]?.find(({ type }) => type === 'message_sent')?.id);
  const fetched = useFetched(
    () => api.post('metrics/messages-per-day', { workspace_id: w }).then(({ data }) => data),
    w,
  );
  useThrottled(fetched.reload, newest, 1000);
  return fetched;
}

/** @param {number} w */
function useActive(w) {
  const presence = useStore((state) => state.presence);
  const newest = useStore((state) => state.activity[w]?.[0]?.id);
  const { data, reload } = useFetched(
    () =>
      api
        .post('metrics/active-users', { workspace_id: w, minutes: ACTIVE_MINUTES })
        .then((answer) => answer.data.active_count),
    w,
  );
  useThrottled(reload, `${newest} ${Object.values(presence).join()}`, 2000);
  useEffect(() => {
    const timer = setInterval(reload, LOOK_AGAIN);
    return () => clearInterval(timer);
  }, [w]);
  return data;
}

/** Run `work` when `key` has changed, at most once in so many milliseconds. @param {() => void} work @param {unknown} key @param {number} pause */
function useThrottled(work, key, pause) {
  const first = useRef(true);
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => {
    if (first.current) first.current = false;
    else
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        work();
      }, pause);
  }, [key]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

/** Those who are online or idle, in the order of their names. @param {number} w @returns {Member[]} */
function useHere(w) {
  const members = useStore((state) => state.members[w]) ?? [];
  const presence = useStore((state) => state.presence);
  return members
    .map((member) => ({ ...member, presence: presence[member.user_id] ?? 'offline' }))
    .filter((member) => member.presence !== 'offline')
    .sort((a, b) => b.presence.localeCompare(a.presence) || a.full_name.localeCompare(b.full_name));
}

/** @param {{people: Member[], workspaceId: number}} props */
const Here = ({ people, workspaceId }) => {
  const [all, setAll] = useState(false);
  const shown = all ? people : people.slice(0, 8);
  return html`<ul class="people">
      ${shown.map((each) => html`<li key=${each.user_id}><${Avatar} name=${each.full_name} id=${each.email} size="tiny" /><span class="person"><bdi>${each.full_name}</bdi><small>@${each.username}</small></span><${PresenceDot} userId=${each.user_id} /></li>`)}
    </ul>
    ${people.length > shown.length && html`<button class="quiet" onClick=${() => setAll(true)}>Show all ${people.length}</button>`}
    ${people.length < 2 && html`<p class="soft">Nobody else right now. <a href=${`/w/${workspaceId}/members`}>All members</a></p>`}`;
};
