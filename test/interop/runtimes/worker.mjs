// What a worker runs: the same call and run, from the package's sources in one file; each request is answered with their result.
import * as voicewire from 'voicewire';
import { inProcess } from './echo-call.mjs';

export default {
  async fetch() {
    return Response.json(await inProcess(voicewire));
  },
};
