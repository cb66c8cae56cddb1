import { describe, expect, it } from 'vitest';
import type { TextInputItem } from '../../../session/index.js';
import { cutToHeard } from '../../../session/run/heard.js';
import { random } from '../../helpers/random.js';

const user: TextInputItem = { type: 'message', role: 'user', text: 'Weather?' };
const said = (text: string): TextInputItem => ({ type: 'message', role: 'assistant', text });
const cut = (text: string): TextInputItem => ({ type: 'message', role: 'assistant', text, interrupted: true });
const call: TextInputItem = { type: 'function_call', callId: 'c', name: 'weather', arguments: '{}' };
const output: TextInputItem = { type: 'function_call_output', callId: 'c', output: 'sunny' };
const thought: TextInputItem = { type: 'other', kind: 'reasoning', raw: {} };

describe('what was heard of an answer', () => {
  it.each<[string, TextInputItem[], string, TextInputItem[]]>([
    ['a part', [said('It is sunny today.')], 'It is su', [cut('It is su')]],
    ['all of it', [said('It is sunny.')], 'It is sunny.', [said('It is sunny.')]],
    ['nothing', [said('It is sunny.')], '', []],
    ['the first of two messages', [said('Let me see.'), call, output, said('It is sunny.')], 'Let me see.', [said('Let me see.'), call, output]],
    ['a part of the second', [said('Let me see.'), call, output, said('It is sunny.')], 'Let me see. It is', [said('Let me see.'), call, output, cut('It is')]],
    ['a part of the first, and what was done stays done', [said('Let me see.'), call, output, said('It is sunny.')], 'Let', [cut('Let'), call, output]],
    ['words with other spaces and lines', [said('It is\n\n  sunny today.')], 'It is sunny', [cut('It is\n\n  sunny')]],
    ['a part, and the reasoning before it goes', [thought, said('It is sunny.')], 'It', [cut('It')]],
    ['all, and the reasoning stays', [thought, said('It is sunny.')], 'It is sunny.', [thought, said('It is sunny.')]],
    ['more than was said', [said('Short.')], 'Short. And more.', [said('Short.')]],
  ])('%s', (_name, answer, heardText, expected) => {
    const conversation = [said('Hello.'), user, ...answer];
    expect(cutToHeard(conversation, heardText)).toEqual({ count: answer.length, items: expected });
  });

  it('of a greeting is cut where no user has spoken', () => {
    expect(cutToHeard([said('Good morning.')], 'Good')).toEqual({ count: 1, items: [cut('Good')] });
  });

  it('is never more than was said, and every cut keeps calls and outputs together', () => {
    const generator = random();
    for (let round = 0; round < 500; round += 1) {
      const answer = Array.from({ length: generator.int(0, 6) }, () => generator.pick([[said('One two three.')], [call, output], [thought, said('Four five.')], [said('')]])).flat();
      const whole = answer.map((item) => (item.type === 'message' ? item.text : '')).join(' ');
      const heard = whole.slice(0, generator.int(0, whole.length + 1));
      const { items } = cutToHeard([user, ...answer], heard);
      const kept = items.map((item) => (item.type === 'message' ? item.text : '')).join('');
      const about = `seed ${generator.seed}, round ${round}`;
      expect(kept.replaceAll(/\s/g, ''), about).toBe(heard.replaceAll(/\s/g, ''));
      expect(items.filter((item) => 'callId' in item), about).toEqual(answer.filter((item) => 'callId' in item));
    }
  });
});
