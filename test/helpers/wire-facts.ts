/** What captured streams of the current protocol have, and its published types do not: nulls for what is not set, and a few further members. */
export const WIRE_NULLS: ReadonlySet<string> = new Set([
  'RealtimeResponse.status_details',
  'RealtimeResponse.usage',
  'RealtimeResponse.conversation_id',
  'RealtimeConversationItemUserMessage.Content.transcript',
  'RealtimeConversationItemAssistantMessage.Content.transcript',
  'RealtimeSessionCreateRequest.include',
  'RealtimeTranscriptionSessionCreateRequest.include',
  'RealtimeAudioConfigInput.transcription',
  'RealtimeAudioConfigInput.noise_reduction',
  'RealtimeTranscriptionSessionAudioInput.transcription',
  'RealtimeTranscriptionSessionAudioInput.noise_reduction',
  'AudioTranscription.language',
  'AudioTranscription.prompt',
  'ConversationItemInputAudioTranscriptionFailedEvent.Error.param',
]);

export const WIRE_EXTRAS: ReadonlySet<string> = new Set([
  'RealtimeSessionCreateRequest.object',
  'RealtimeSessionCreateRequest.id',
  'RealtimeSessionCreateRequest.expires_at',
  'RealtimeTranscriptionSessionCreateRequest.object',
  'RealtimeTranscriptionSessionCreateRequest.id',
  'RealtimeTranscriptionSessionCreateRequest.expires_at',
  'RealtimeResponseStatus.Error.message',
  'ResponseAudioTranscriptDeltaEvent.obfuscation',
  'ResponseTextDeltaEvent.obfuscation',
  'ResponseFunctionCallArgumentsDeltaEvent.obfuscation',
  'ConversationItemInputAudioTranscriptionDeltaEvent.obfuscation',
  'RealtimeConversationItemAssistantMessage.phase',
  // Of a retrieved item only.
  'RealtimeConversationItemUserMessage.Content.format',
  'RealtimeConversationItemAssistantMessage.Content.format',
]);
