import { audioObstacle } from 'voicewire/browser';
import { byId, element } from './dom.js';

export type CheckName = 'secure' | 'microphone' | 'output' | 'gateway';
/** `later` is settled when Talk is pressed: browsers tell, and ask, no sooner. */
export type CheckState = 'ok' | 'later' | 'failed';

const titles: Readonly<Record<CheckName, string>> = { secure: 'Secure page', microphone: 'Microphone', output: 'Sound output', gateway: 'Gateway' };
const marks: Readonly<Record<CheckState, { readonly sign: string; readonly word: string }>> = {
  ok: { sign: '✓', word: 'fine' },
  later: { sign: '·', word: 'not tried yet' },
  failed: { sign: '!', word: 'problem' },
};

/** Whether the gateway that served this page is still there. */
export async function gatewayAnswers(): Promise<boolean> {
  try {
    return (await fetch('/healthz', { cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

/** What must be right for a call, each with a mark, a word for those who do not see it, and what to do. */
export class Checks {
  readonly #list = byId<HTMLUListElement>('checks');
  readonly #rows = new Map<CheckName, HTMLLIElement>();

  constructor() {
    for (const name of Object.keys(titles) as CheckName[]) {
      const row = element('li');
      this.#rows.set(name, row);
      this.#list.append(row);
      this.set(name, 'later', '');
    }
  }

  set(name: CheckName, state: CheckState, text: string): void {
    const row = this.#rows.get(name);
    if (row === undefined) return;
    row.dataset['check'] = name;
    row.dataset['state'] = state;
    const sign = element('span', 'sign', marks[state].sign);
    sign.setAttribute('aria-hidden', 'true');
    row.replaceChildren(sign, element('span', 'check-text', element('b', '', titles[name]), element('span', 'hidden', ` (${marks[state].word}) `), element('span', 'check-note', text)));
  }

  /** What can be known before anybody is asked for anything. */
  async runEarly(): Promise<void> {
    this.set('secure', window.isSecureContext ? 'ok' : 'failed', window.isSecureContext ? new URL(location.href).host : 'Open it over https, or as http://localhost on this machine.');
    const obstacle = audioObstacle();
    if (obstacle === undefined) this.set('output', 'later', 'Starts when you press Talk.');
    else this.set('output', 'failed', `${obstacle.message} ${obstacle.hint ?? ''}`);
    await Promise.all([this.#checkMicrophone(), this.#checkGateway()]);
  }

  async #checkMicrophone(): Promise<void> {
    if (!window.isSecureContext || navigator.mediaDevices === undefined) return this.set('microphone', 'failed', 'Not available to this page. You can type.');
    const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    if (!devices.some((device) => device.kind === 'audioinput')) return this.set('microphone', 'failed', 'None found. Plug one in, or type.');
    const permission = await navigator.permissions.query({ name: 'microphone' as PermissionName }).catch(() => undefined);
    if (permission?.state === 'denied') return this.set('microphone', 'failed', 'Not allowed. Allow it at the lock symbol of the address bar, or type.');
    this.set('microphone', 'later', permission?.state === 'granted' ? 'Allowed. Opens when you press Talk.' : 'The browser asks when you press Talk.');
  }

  async #checkGateway(): Promise<void> {
    if (await gatewayAnswers()) this.set('gateway', 'ok', 'Answers.');
    else this.set('gateway', 'failed', 'Does not answer. Is `voicewire serve` still running?');
  }
}
