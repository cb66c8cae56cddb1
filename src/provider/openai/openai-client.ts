import { HostError } from '../../host/errors.js';
import { fetchWithErrorBody } from './error-body.js';

/** What is told to the client beside the body of a request. */
export interface OpenaiCallOptions {
  readonly signal: AbortSignal;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxRetries: number;
  readonly timeout: number;
}

/** A request on its way, whose answer is read as it comes. */
export interface OpenaiCall {
  asResponse(): Promise<Response>;
}

export interface OpenaiResource {
  create(body: object, options: OpenaiCallOptions): OpenaiCall;
}

/**
 * What is used of a client of the `openai` package, from version 6: an `OpenAI`, an `AzureOpenAI`, or whatever has these methods. Requests, uploads,
 * authentication and proxies are its work. Answers are read here, because only so a stream that breaks off is told from one that ends.
 */
export interface OpenaiClient {
  readonly baseURL?: string;
  readonly responses: OpenaiResource;
  readonly chat: { readonly completions: OpenaiResource };
  readonly audio: { readonly transcriptions: OpenaiResource; readonly speech: OpenaiResource };
}

/** The part of the package that is used, so that its types stay out of ours. */
interface OpenaiModule {
  readonly default: new (options: Readonly<Record<string, unknown>>) => OpenaiClient;
}

export interface NewClientOptions {
  readonly baseUrl: string;
  /** Where an organization and a project of the environment mean something. */
  readonly isOpenai: boolean;
}

/**
 * A client of the `openai` package, which is loaded now. Rejects with `HostError` `PACKAGE_MISSING` where it is not installed. The client knows no
 * key: each request brings its own.
 */
export async function createOpenaiClient({ baseUrl, isOpenai }: NewClientOptions, load?: () => Promise<unknown>): Promise<OpenaiClient> {
  let module: OpenaiModule;
  try {
    // Bundlers look for a package that is named. `try` tells webpack, and `catch` tells esbuild, to make the bundle also where it is not installed.
    module = (await (load === undefined ? import('openai').catch((error: unknown) => Promise.reject(error as Error)) : load())) as OpenaiModule;
  } catch (cause) {
    throw new HostError('PACKAGE_MISSING', 'The package openai could not be loaded; this provider sends its requests with it.', { hint: 'npm install openai', cause });
  }
  return new module.default({
    baseURL: baseUrl,
    apiKey: 'each request brings its own',
    defaultHeaders: { Authorization: null },
    fetch: fetchWithErrorBody,
    ...(isOpenai ? {} : { organization: null, project: null }),
  });
}
