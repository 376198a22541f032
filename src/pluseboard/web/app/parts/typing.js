/** Who is typing in a channel. */
import { html, useEffect, useState } from '../html.js';
import { useStore } from '../store.js';

/** @param {{channelId: number, workspaceId: number}} props */
export const Typing = ({ channelId, workspaceId }) => {
  const typing = useStore((state) => state.typing[channelId]) ?? {};
  const members = useStore((state) => state.members[workspaceId]) ?? [];
  const me = useStore((state) => state.me?.email);
  const [, tick] = useState(0);
  const now = Date.now();
  const emails = Object.keys(typing).filter((email) => typing[email] > now && email !== me);
  useEffect(() => {
    if (!emails.length) return;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [emails.length]);
  const names = emails.map(
    (email) => members.find((member) => member.email === email)?.full_name.split(' ')[0] ?? 'Somebody',
  );
  const text =
    names.length > 2
      ? 'Several people are typing'
      : names.length
        ? `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} typing`
        : '';
  return html`<p class="typing" aria-live="polite">${text && html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>${text}`}</p>`;
};
