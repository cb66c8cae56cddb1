export type {} from './matcher-types.js';
export { voicewireMatchers } from './matchers.js';
export type { InterruptOptions, MatcherContext, MatcherResult, NeverSayOptions } from './matchers.js';
