import type { RunEvent } from './run-event.js';

/** Takes the words out of events, in pieces as they come; messages stand on lines of their own. */
export function readText(): (event: RunEvent) => readonly string[] {
  let itemId: string | undefined;
  return (event) => {
    if (event.type !== 'raw_response_event' || event.data.type !== 'text_delta' || event.data.delta === '') return [];
    const { data } = event;
    const begins = itemId !== undefined && itemId !== data.itemId;
    itemId = data.itemId;
    return begins ? ['\n', data.delta] : [data.delta];
  };
}
