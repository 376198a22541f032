/** Signing in by a code that comes by mail, and registering. */
import { html, useEffect, useState } from '../html.js';
import { register, requestCode, signIn, wanted } from '../model/session.js';
import { Field, Form, useAction } from '../parts/basics.js';
import { Outside } from '../parts/outside.js';

const invited = () => wanted().startsWith('/invite/');

export const SignInPage = () => {
  const [email, setEmail] = useState('');
  if (email) return html`<${CodePage} email=${email} onBack=${() => setEmail('')} />`;
  const send = (/** @type {Record<string, string>} */ fields) =>
    requestCode(fields.email).then(() => setEmail(fields.email));
  return html`<${Outside} title="Sign in">
    <p class="soft">${invited() ? 'Sign in to accept your invitation. ' : ''}We mail you a code of six digits; there is no password to remember.</p>
    <${Form} onSubmit=${send} submit="Mail me a code">
      <${Field} label="Email" name="email" type="email" required autocomplete="email" autofocus />
    <//>
    <p class="alternative">New here? <a href="/register">Register</a></p>
  <//>`;
};

/** @param {{email: string, onBack: () => void}} props */
const CodePage = ({ email, onBack }) => {
  const { busy, error, run } = useAction();
  const [sent, setSent] = useState(false);
  const verify = ({ otp = '' }) => signIn(email, otp.trim());
  const again = () => run(() => requestCode(email).then(() => setSent(true)));
  return html`<${Outside} title="Look into your mail">
    <p class="soft">If <strong><bdi>${email}</bdi></strong> is registered, a code is on its way. It works once, for five minutes.</p>
    <${Form} onSubmit=${verify} submit="Sign in">
      <${Field} label="Code" name="otp" class="otp" required inputmode="numeric" pattern="\\s*[0-9]{6}\\s*" maxlength="8"
        title="six digits" autocomplete="one-time-code" autofocus placeholder="······" />
    <//>
    ${error && html`<p class="error" role="alert">${error}</p>`}
    <${Mailbox} />
    <p class="alternative">
      <button class="link" disabled=${busy} onClick=${again}>${sent ? 'Sent again' : 'Send it again'}</button> ·
      <button class="link" onClick=${onBack}>Another address</button>
    </p>
  <//>`;
};

/** In development mails are kept by the server, to be read there. */
const Mailbox = () => {
  const [there, setThere] = useState(false);
  useEffect(() => {
    fetch('/dev/mailbox?format=json').then(
      (answer) => setThere(answer.ok),
      () => {},
    );
  }, []);
  return (
    there &&
    html`<p class="note">This is a development server: codes are in the <a href="/dev/mailbox" target="_blank">mailbox</a>.</p>`
  );
};

export const RegisterPage = () => {
  const [email, setEmail] = useState('');
  if (email) return html`<${CodePage} email=${email} onBack=${() => setEmail('')} />`;
  const send = async (/** @type {any} */ fields) => {
    await register(fields);
    await requestCode(fields.email);
    setEmail(fields.email);
  };
  return html`<${Outside} title="Register">
    ${invited() && html`<p class="soft">You have been invited. Register, and you will be asked to join.</p>`}
    <${Form} onSubmit=${send} submit="Register">
      <${Field} label="Full name" name="full_name" required maxlength="100" autocomplete="name" autofocus />
      <${Field} label="Username" name="username" required minlength="2" maxlength="32" autocomplete="username" autocapitalize="none"
        hint="Others mention you by it: @johndoe. Letters, digits, dots, hyphens." />
      <${Field} label="Email" name="email" type="email" required autocomplete="email" />
      <${Field} label="Password" name="password" type="password" required minlength="8" maxlength="128" autocomplete="new-password"
        hint="At least 8 characters." />
    <//>
    <p class="alternative">Registered already? <a href="/sign-in">Sign in</a></p>
  <//>`;
};
