import type { InterruptOptions, NeverSayOptions } from './matchers.js';

declare global {
  // Vitest takes the matchers of this namespace, which Jest's types have too; so neither has to be there for these types to compile.
  namespace jest {
    interface Matchers<R, T = {}> {
      toInterruptWithin(ms: number, options?: InterruptOptions): R;
      toCallTool(name: string, args?: object): R;
      toSayWithin(pattern: string | RegExp, ms: number): R;
      toNeverSay(pattern: string | RegExp, options?: NeverSayOptions): R;
      toCostBelow(usd: number): R;
      toHaveNoGapOver(ms: number): R;
    }
  }
}
