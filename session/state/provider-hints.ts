/** What to do about the errors of providers whose codes are known, in the words of the realtime protocol. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['insufficient_quota', 'The account has no credit left; see the billing page of the provider.'],
  ['account_deactivated', 'The account is closed or held; ask the provider.'],
  ['rate_limit_exceeded', 'Try again in a moment; if it happens often, ask the provider for a higher limit, or name a second model.'],
  ['inference_rate_limit_exceeded', 'Try again in a moment; if it happens often, ask the provider for a higher limit, or name a second model.'],
  ['invalid_api_key', 'Check that the key is complete, not expired, and allowed to use this model.'],
  ['model_not_found', 'Check the name of the model, and that the key may use it.'],
  ['beta_api_shape_disabled', 'The header OpenAI-Beta is not for current servers: leave it out.'],
  ['session_expired', 'A session that may reconnect goes on by itself; otherwise begin a new conversation.'],
  ['cannot_update_voice', 'The voice cannot change after the agent has spoken: give it before, or begin a new conversation.'],
  ['conversation_already_has_active_response', 'Only the session may ask for responses: do not send response.create beside it.'],
  ['input_audio_buffer_commit_empty', 'A turn needs at least 100 ms of audio before commit().'],
  ['string_above_max_length', 'Send a shorter text.'],
  ['item_truncate_invalid_item_id', 'The model has no such item any more; nothing need be done.'],
  ['item_delete_invalid_item_id', 'The model has no such item any more; nothing need be done.'],
  ['content_filter', "The provider's filter refused what was to be said; word the instructions otherwise."],
  ['input_image_safety_violation', 'The provider refuses this image; send another or none.'],
  ['server_error', "A fault of the provider's: ask again; if it lasts, see its status page."],
  ['audio_unintelligible', 'The model has heard the user all the same; only the written words are missing.'],
  ['DeploymentNotFound', 'The provider has no transcription model under this name: see config.transcription.'],
]);

/** By the code, then by the kind of the error; `param` names what of the configuration was refused. */
export function providerHint({ code, kind, param }: { readonly code?: string; readonly kind?: string; readonly param?: string }): string | undefined {
  const known = HINTS.get(code ?? '') ?? (kind === undefined ? undefined : HINTS.get(kind));
  return known ?? (param === undefined ? undefined : `Look at ${param} in the configuration, or in what was sent.`);
}
