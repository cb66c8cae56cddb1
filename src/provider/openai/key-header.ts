/** Azure's resources take a key in a header of their own. */
const AZURE_HOSTS = /\.(openai|services\.ai|cognitiveservices)\.azure\.(com|us|cn)$/;

/** OpenAI's models on Azure. */
export function isAzure({ hostname }: URL): boolean {
  return AZURE_HOSTS.test(hostname);
}

/** The header in which a key goes to the host of this address. */
export function keyHeader(url: URL, key: string): Readonly<Record<string, string>> {
  return isAzure(url) ? { 'api-key': key } : { Authorization: `Bearer ${key}` };
}
