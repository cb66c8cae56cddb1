import { describe, expect, it } from 'vitest';
import { createBrowserVoice } from '../../../src/browser.js';
import { refuseProviderKey } from '../../../src/client/provider-key.js';

describe('a provider’s key in a page', () => {
  it.each(['sk-proj-0123456789abcdef', 'Bearer sk-0123456789abcdefghij', 'sk-ant-api03-0123456789abcdef'])('is refused: %s', (value) => {
    expect(() => refuseProviderKey(value, 'The token')).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.not.stringContaining('0123456789') as string }) as Error);
  });

  it.each(['a-token-of-yours', 'sk-short', 'ek_0123456789abcdef0123', 'task-0123456789abcdef012345', ''])('is not seen in %j', (value) => {
    expect(() => refuseProviderKey(value, 'The token')).not.toThrow();
  });

  it('is refused as the token of a voice', () => {
    expect(() => createBrowserVoice({ url: 'https://voice.example.com', token: 'sk-proj-0123456789abcdef' })).toThrow(/looks like the key/);
    expect(() => createBrowserVoice({ url: 'https://voice.example.com', token: 'a-token-of-yours' })).not.toThrow();
  });
});
