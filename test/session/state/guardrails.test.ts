import { describe, expect, it } from 'vitest';
import type { GuardrailPolicy } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import { simulateCall } from '../../helpers/simulated-call.js';

const SEEDS = 300;

describe(`guardrails, in ${SEEDS} random calls of each kind`, () => {
  const kinds: readonly (readonly [string, Partial<GuardrailPolicy>])[] = [
    ['without a hold-back', {}],
    ['with a hold-back', { holdBackMs: 300 }],
    ['with a hold-back that is closed', { holdBackMs: 300, closed: true }],
  ];

  it.each(kinds)('%s trip once for a response, stop nothing newer, and come to rest', (_kind, options) => {
    const { seed } = random();
    let trips = 0;
    let late = 0;
    for (let index = 0; index < SEEDS; index += 1) {
      const where = `TEST_SEED=${seed + index}`;
      const { events, commands, state, problems, responses } = simulateCall(seed + index, 10_000, { output: true, input: true, debounceCharacters: 5, holdBackMs: 0, closed: false, ...options });
      expect(problems, where).toEqual([]);
      const tripped = events.flatMap(({ step, event }) => (event.type === 'guardrail_tripped' && event.of === 'output' ? [{ step, event }] : []));
      const ids = tripped.map(({ event }) => event.responseId);
      expect(new Set(ids).size, where).toBe(ids.length);
      trips += ids.length;
      for (const { step, event } of tripped.filter((each) => each.event.late)) {
        late += 1;
        // Of the same step: in the same millisecond another verdict, or the user, may stop something too.
        const stopped = commands.flatMap(({ command, step: sentIn }) => (sentIn === step && command.type === 'cancel_response' ? [command.responseId] : []));
        expect(stopped.filter((responseId) => responseId !== event.responseId), where).toEqual([]);
      }
      const { guardrails } = state;
      expect([...guardrails.responses.values()].flatMap(({ held }) => held), where).toEqual([]);
      expect([guardrails.checks.size, guardrails.released.length, state.wanted, state.request.name, state.live.size], where).toEqual([0, 0, [], 'free', 0]);
      const ended = events.flatMap(({ event }) => (event.type === 'agent_end' ? [event.responseId] : []));
      expect([...ended].sort(), where).toEqual(responses.map(({ responseId }) => responseId).sort());
    }
    // A hundred and fifty and more as a rule, give or take a dozen: that so many calls tripped shows that the checks above had something to look at.
    expect(trips).toBeGreaterThan(SEEDS / 3);
    expect(late).toBeGreaterThan(0);
  });
});
