import type { ModelCommand } from '../ports/model.js';
import { forgetBefore } from './microphone-ring.js';
import type { SessionState } from './session-state.js';
import { put } from './sparse.js';

/** More than a model ever leaves unconfirmed at once; one that confirms nothing at all shall not cost memory without end. */
const MAX_UNCONFIRMED = 1_024;

/**
 * Every command passes here. What changes the conversation is remembered until the model confirms it, so that a new connection can be told it
 * again; the rest means something only to the connection it was meant for. True when there is a connection to send it to.
 */
export function passes(state: SessionState, command: ModelCommand): boolean {
  const { microphone, link } = state;
  switch (command.type) {
    case 'append_audio':
      break;
    case 'create_item':
    case 'delete_item': {
      const itemId = command.type === 'create_item' ? command.item.id : command.itemId;
      link.unconfirmed.delete(itemId);
      put(link, 'unconfirmed', itemId, command, MAX_UNCONFIRMED);
      break;
    }
    case 'commit_audio':
      microphone.commits.push({ eventId: command.eventId, atByte: microphone.ring.endByte });
      if (microphone.commits.length > MAX_UNCONFIRMED) microphone.commits.shift();
      break;
    case 'clear_audio':
      forgetBefore(microphone.ring, microphone.ring.endByte);
      microphone.commits.length = 0;
      break;
    default:
      break;
  }
  return state.connection.name === 'open';
}

/** The model has the item, or has it no more. */
export function confirmed(state: SessionState, itemId: string): void {
  if (state.link.unconfirmed.size > 0) state.link.unconfirmed.delete(itemId);
}

/** The model refused a command: it will not be told it again. */
export function refused(state: SessionState, eventId: string): void {
  const { link, microphone } = state;
  for (const [itemId, command] of link.unconfirmed) {
    if (command.eventId === eventId) link.unconfirmed.delete(itemId);
  }
  const at = microphone.commits.findIndex((commit) => commit.eventId === eventId);
  if (at !== -1) microphone.commits.splice(at, 1);
}
